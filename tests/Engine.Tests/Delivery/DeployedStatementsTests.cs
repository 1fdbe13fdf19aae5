using Matih.Delivery;

namespace Matih.Engine.Tests.Delivery;

public sealed class DeployedStatementsTests
{
    private static readonly string First = new('a', 32), Second = new('b', 32), Never = new('c', 32);

    private static readonly DeployedStatements Deployed = DeployedStatements.Parse(null).With(First, new("11", null)).With(Second, new("22", "77"));

    [Theory]
    [InlineData("a", null, "11")]
    [InlineData(null, "file:/s/savepoint-aaaaaa-0123456789ab", "11")]
    [InlineData(null, "s3://b/c/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/chk-7/", "11")]
    [InlineData(null, "/s/mine", "22.77")]
    [InlineData("c", null, null)]
    [InlineData(null, "/c/cccccccccccccccccccccccccccccccc/chk-7", null)]
    public void What_is_continued_has_the_statements(string? job, string? place, string? expected) =>
        Assert.Equal(expected, Deployed.Find(job is null ? null : new string(job[0], 32), place)?.ToString());

    [Fact]
    public void The_last_four_jobs_are_kept_and_a_job_once()
    {
        var many = Enumerable.Range(0, 6).Aggregate(Deployed, (all, job) => all.With(new string((char)('0' + job), 32), new($"{job}", null))).With(new string('4', 32), new("new", "topics"));

        Assert.Equal([("4", "new.topics"), ("5", "5"), ("3", "3"), ("2", "2")], many.Entries.Select(entry => (entry.Job[..1], entry.Hash.ToString())));
        Assert.Equal(many.Entries, DeployedStatements.Parse(many.ToString()).Entries);
        Assert.Null(DeployedStatements.Parse(null).Find(null, "/s/mine"));
        Assert.Null(many.Find(Never, null));
    }
}
