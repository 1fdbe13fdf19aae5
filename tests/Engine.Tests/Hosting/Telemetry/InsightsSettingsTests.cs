using Matih.Hosting.Telemetry;

namespace Matih.Engine.Tests.Hosting.Telemetry;

public sealed class InsightsSettingsTests
{
    private const string Connection = "InstrumentationKey=k;IngestionEndpoint=https://i.example/";

    private static InsightsSettings? Of(string? authentication, params (string, string)[] more) =>
        InsightsSettings.Of(Settings.Of([(InsightsSettings.ConnectionVariable, Connection), (InsightsSettings.AuthenticationVariable, authentication ?? ""), .. more]));

    [Fact]
    public void Without_a_connection_string_or_where_telemetry_is_disabled_nothing_is_sent()
    {
        Assert.Null(InsightsSettings.Of(Settings.Of((InsightsSettings.AuthenticationVariable, "Authorization=AAD"))));
        Assert.Null(Of(null, ("OTEL_SDK_DISABLED", "true")));
    }

    [Theory]
    [InlineData(null, false, null)]
    [InlineData("Authorization=AAD", true, null)]
    [InlineData("ClientId=c-1;Authorization=AAD", true, "c-1")]
    [InlineData(" authorization = aad ; clientid = c-1 ; ", true, "c-1")]
    public void The_identity_is_the_one_that_the_host_uses(string? authentication, bool usesIdentity, string? clientId) =>
        Assert.Equal(new InsightsSettings(Connection, usesIdentity, clientId), Of(authentication));

    [Theory]
    [InlineData("me")]
    [InlineData("ClientId=c-1")]
    [InlineData("ClientId=;Authorization=AAD")]
    [InlineData("Authorization=ApiKey")]
    [InlineData("Authorization=AAD;Authorization=AAD")]
    public void An_identity_that_cannot_be_made_out_is_refused_without_its_value(string authentication)
    {
        var refusal = Assert.Throws<FormatException>(() => Of(authentication));

        Assert.Equal("APPLICATIONINSIGHTS_AUTHENTICATION_STRING is not of the form 'Authorization=AAD' or 'ClientId=ID;Authorization=AAD', so nothing is sent to Application Insights.", refusal.Message);
    }
}
