using Matih.Engine.Tests.Delivery;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Telemetry;

public sealed class PipelineHealthTests
{
    private readonly HurriedClock _clock = new();
    private readonly FlowProgress _flow = new("orders/lake");
    private readonly PipelineHealth _health;

    public PipelineHealthTests() => _health = new PipelineHealth([_flow], _clock, new HealthLimits(TimeSpan.FromMinutes(2)));

    [Fact]
    public void A_flow_that_opens_is_live_and_not_ready()
    {
        Enter(FlowState.Opening);

        Assert.True(_health.Read().IsLive);
        Assert.Equal("Flow orders/lake has not opened its table yet.", Unready());
    }

    [Fact]
    public void A_flow_that_opens_again_without_a_failure_stays_ready()
    {
        Open();

        Enter(FlowState.Opening);

        Assert.Null(Unready());
    }

    [Fact]
    public void A_standing_by_flow_is_ready_and_says_that_it_stands_by()
    {
        Enter(FlowState.StandingBy);

        var reading = _health.Read();
        Assert.True(reading is { IsReady: true, IsLive: true, IsStandingBy: true });
    }

    [Fact]
    public void Failures_in_a_row_make_it_unready_until_a_checkpoint_goes_well()
    {
        Open();
        _flow.NoteFailures(2);
        Enter(FlowState.Retrying);

        Assert.Equal("Flow orders/lake is retrying after 2 failures in a row.", Unready());
        Enter(FlowState.Reading);
        Assert.Equal("Flow orders/lake is reading after 2 failures in a row.", Unready());
        _flow.NoteFailures(0);
        Assert.Null(Unready());
    }

    [Fact]
    public void Records_that_wait_longer_than_the_limit_make_it_unready_until_they_are_committed()
    {
        Open();
        _flow.NoteFates(3, 1, 1);
        Beat();

        Pass(TimeSpan.FromSeconds(119));
        Assert.Null(Unready());
        Pass(TimeSpan.FromSeconds(2));
        Assert.StartsWith("Flow orders/lake has had something to commit for 121 s; at most 120 s are expected.", Unready(), StringComparison.Ordinal);

        Enter(FlowState.Committing);
        Commit(5);
        Assert.Null(Unready());
        Pass(TimeSpan.FromHours(1));
        Assert.Null(Unready());
    }

    [Fact]
    public void Records_that_were_read_beside_a_commit_wait_since_it_began()
    {
        Open();
        _flow.NoteFates(5, 0, 0);
        Enter(FlowState.Committing);
        _flow.NoteFates(2, 0, 0);

        Pass(TimeSpan.FromSeconds(100));
        Commit(5);

        Assert.Equal(100, _health.Read().Flows[0].UncommittedAge!.Value.TotalSeconds, tolerance: 1);
    }

    [Fact]
    public void A_commit_of_other_members_records_leaves_no_debt()
    {
        Open();
        _flow.NoteFates(5, 0, 0);
        Commit(500);

        _flow.NoteFates(1, 0, 0);
        Beat();
        Pass(TimeSpan.FromMinutes(3));

        Assert.NotNull(Unready());
    }

    [Fact]
    public void An_idle_flow_stays_ready_however_old_its_last_commit_is()
    {
        Open();

        for (var i = 0; i < 100; i++) Pass(TimeSpan.FromMinutes(1));

        Assert.True(_health.Read() is { IsReady: true, IsLive: true });
    }

    [Theory]
    [InlineData(FlowState.Opening)]
    [InlineData(FlowState.StandingBy)]
    [InlineData(FlowState.Reading)]
    [InlineData(FlowState.Committing)]
    public void Brokers_that_do_not_answer_make_it_unready_until_they_do(FlowState state)
    {
        Open();
        Enter(state);

        _clock.Elapsed += TimeSpan.FromSeconds(29);
        Assert.Null(Unready());
        _clock.Elapsed += TimeSpan.FromSeconds(3);
        Assert.Equal("Flow orders/lake has had no answer from Kafka for 32 s; at most 30 s are expected. Its lag is of that time.", Unready());
        Assert.Equal(32, _health.Read().Flows[0].ContactAge!.Value.TotalSeconds, tolerance: 1);
        Assert.True(_health.Read().IsLive);

        _flow.NoteContact(_clock.GetTimestamp());
        Assert.Null(Unready());
    }

    [Fact]
    public void A_flow_that_stands_by_and_never_reached_a_broker_is_unready()
    {
        Enter(FlowState.StandingBy);

        Pass(TimeSpan.FromSeconds(31), isAnswered: false);

        Assert.StartsWith("Flow orders/lake has had no answer from Kafka for 31 s", Unready(), StringComparison.Ordinal);
        Assert.Null(_health.Read().Flows[0].ContactAge);
    }

    [Fact]
    public void An_ended_flow_needs_no_broker()
    {
        Open();
        Enter(FlowState.Ended);

        Pass(TimeSpan.FromHours(1), isAnswered: false);

        Assert.Null(Unready());
    }

    [Fact]
    public void What_is_read_after_the_topics_end_was_looked_up_is_no_longer_unread()
    {
        Assert.Null(_flow.Lag);

        _flow.NoteRead(5, 50);
        _flow.NoteLag(new FlowLag(7, 12, 99));
        _flow.NoteRead(4, 40);

        Assert.Equal(new FlowLag(3, 12, 99), _flow.Lag);
        _flow.NoteRead(400, 40);
        Assert.Equal(new FlowLag(0, 12, 99), _flow.Lag);
    }

    [Fact]
    public void What_an_earlier_session_had_not_committed_is_no_longer_waiting_in_the_next()
    {
        Open();
        _flow.NoteFates(5, 0, 0);
        Beat();

        Open();
        Pass(TimeSpan.FromHours(1));

        Assert.Null(Unready());
    }

    [Fact]
    public void A_coordinator_without_a_sign_of_life_is_stuck_and_an_ended_one_is_not()
    {
        Open();
        Enter(FlowState.Committing);

        _clock.Elapsed += TimeSpan.FromSeconds(301);
        var stuck = _health.Read();
        Enter(FlowState.Ended);
        _clock.Elapsed += TimeSpan.FromHours(1);

        Assert.False(stuck.IsLive);
        Assert.False(stuck.IsReady);
        Assert.StartsWith("Flow orders/lake has been committing for 301 s without a sign of life; at most 300 s are expected.", stuck.Flows[0].Stuck, StringComparison.Ordinal);
        Assert.True(_health.Read().IsLive);
    }

    [Fact]
    public void A_wall_clock_that_jumps_changes_nothing()
    {
        Open();
        _flow.NoteFates(5, 0, 0);
        Beat();

        _clock.Jump += TimeSpan.FromDays(2);

        Assert.True(_health.Read() is { IsReady: true, IsLive: true });
    }

    [Fact]
    public void One_flow_of_two_is_enough_to_be_unready()
    {
        var other = new FlowProgress("orders/copy");
        var health = new PipelineHealth([_flow, other], _clock, new HealthLimits(TimeSpan.FromMinutes(2)));
        Open();
        other.NoteState(FlowState.Opening, _clock.GetTimestamp());

        Assert.False(health.Read().IsReady);
        Assert.Equal([true, false], health.Read().Flows.Select(flow => flow.Unready is null));
    }

    [Fact]
    public void Every_state_has_a_name_of_its_own()
    {
        var names = Enum.GetValues<FlowState>().Select(PipelineHealth.Name).ToList();

        Assert.Equal(["opening", "standing-by", "reading", "committing", "retrying", "ended"], names);
    }

    private string? Unready() => _health.Read().Flows[0].Unready;

    private void Open()
    {
        _flow.NoteOpened(_clock.GetUtcNow().ToUnixTimeMilliseconds(), 7);
        _flow.NoteContact(_clock.GetTimestamp());
        Enter(FlowState.Reading);
    }

    private void Commit(long records) => _flow.NoteCommit(records, records, 1, 100, _clock.GetUtcNow(), 8);

    private void Enter(FlowState state) => _flow.NoteState(state, _clock.GetTimestamp());

    private void Beat() => _flow.NoteBeat(_clock.GetTimestamp());

    private void Pass(TimeSpan time, bool isAnswered = true)
    {
        _clock.Elapsed += time;
        if (isAnswered) _flow.NoteContact(_clock.GetTimestamp());
        Beat();
    }
}
