namespace Matih.Hosting.Telemetry;

/// <summary>
/// Where metrics and traces go in Application Insights, and as whom, by the settings that the Functions host goes by itself. An
/// identity: the app's, which the resource may ask for; without one the connection string is enough.
/// </summary>
/// <param name="ConnectionString">Of the resource; its key is all that it needs where the resource takes telemetry from everybody.</param>
/// <param name="UsesIdentity">Whether telemetry is sent with a token of a managed identity.</param>
/// <param name="ClientId">Of the user-assigned identity; null for the system-assigned one.</param>
public sealed record InsightsSettings(string ConnectionString, bool UsesIdentity, string? ClientId)
{
    public const string ConnectionVariable = "APPLICATIONINSIGHTS_CONNECTION_STRING";

    /// <summary><c>Authorization=AAD</c>, or <c>ClientId=ID;Authorization=AAD</c>.</summary>
    public const string AuthenticationVariable = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";

    /// <summary>Null where nothing is to be sent.</summary>
    /// <exception cref="FormatException">The identity cannot be made out, so that the resource would refuse what is sent.</exception>
    public static InsightsSettings? Of(HostSettings settings)
    {
        if (OtlpSettings.IsDisabled(settings) || settings.NonEmpty(ConnectionVariable) is not { } connection) return null;
        if (settings.NonEmpty(AuthenticationVariable) is not { } authentication) return new InsightsSettings(connection, UsesIdentity: false, null);

        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in authentication.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length != 2 || pair[1].Length == 0 || !parts.TryAdd(pair[0], pair[1])) throw Unreadable();
        }
        if (!string.Equals(parts.GetValueOrDefault("Authorization"), "AAD", StringComparison.OrdinalIgnoreCase)) throw Unreadable();
        return new InsightsSettings(connection, UsesIdentity: true, parts.GetValueOrDefault("ClientId"));
    }

    private static FormatException Unreadable() => new(
        $"{AuthenticationVariable} is not of the form 'Authorization=AAD' or 'ClientId=ID;Authorization=AAD', so nothing is sent to Application Insights.");
}
