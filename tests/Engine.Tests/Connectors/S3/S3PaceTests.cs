using Matih.Connectors.S3;

namespace Matih.Engine.Tests.Connectors.S3;

public sealed class S3PaceTests
{
    private readonly LeapingClock _clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void A_store_that_asks_to_slow_down_gets_half_as_many_requests_at_a_time()
    {
        using var pace = new S3Pace(_clock);
        Enter(pace, 64);
        Assert.False(pace.EnterAsync(Cancellation).IsCompleted);

        // Those that were under way together are one sign.
        for (var i = 0; i < 10; i++) pace.Leave(isThrottled: true);

        Assert.Equal(32, pace.Limit);
        for (var i = 0; i < 22; i++) pace.Leave(isThrottled: false);
        // 32 are under way, and one waits from the beginning.
        Assert.False(pace.EnterAsync(Cancellation).IsCompleted);
    }

    [Fact]
    public void Each_later_sign_halves_again_down_to_one_request()
    {
        using var pace = new S3Pace(_clock);

        for (var i = 0; i < 10; i++)
        {
            Enter(pace, 1);
            _clock.Advance(TimeSpan.FromSeconds(2));
            pace.Leave(isThrottled: true);
        }

        Assert.Equal(1, pace.Limit);
        Enter(pace, 1);
        Assert.False(pace.EnterAsync(Cancellation).IsCompleted);
    }

    [Fact]
    public void Successes_raise_the_number_up_to_the_first_one()
    {
        using var pace = new S3Pace(_clock);
        Enter(pace, 1);
        pace.Leave(isThrottled: true);

        for (var i = 0; i < 5000; i++)
        {
            Enter(pace, 1);
            pace.Leave(isThrottled: false);
        }

        Assert.Equal(64, pace.Limit);
        Enter(pace, 64);
        Assert.False(pace.EnterAsync(Cancellation).IsCompleted);
    }

    private static void Enter(S3Pace pace, int count)
    {
        for (var i = 0; i < count; i++) Assert.True(pace.EnterAsync(Cancellation).IsCompletedSuccessfully);
    }
}
