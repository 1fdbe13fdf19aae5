using Matih.Engine.Tests.Hosting;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Host;

public sealed class LogOptionsTests
{
    [Fact]
    public void A_variable_with_another_value_is_refused_and_an_option_wins_over_it()
    {
        var settings = Settings.Of(("MATIH_LOG", "xml"), ("MATIH_LOG_LEVEL", "loud"));

        Assert.Equal("MATIH_LOG is 'xml'; it can be text or json.", Assert.Throws<UsageException>(() => LogOptions.FormOf(null, settings)).Message);
        Assert.Equal("MATIH_LOG_LEVEL is 'loud'; it can be debug, info, warning or error.", Assert.Throws<UsageException>(() => LogOptions.SeverityOf(null, settings)).Message);
        Assert.Equal(LogForm.Json, LogOptions.FormOf("json", settings));
        Assert.Equal(LogSeverity.Error, LogOptions.SeverityOf("error", settings));
    }
}
