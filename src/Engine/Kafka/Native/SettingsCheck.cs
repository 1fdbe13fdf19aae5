namespace Matih.Kafka.Native;

/// <summary>What a loaded library says about settings.</summary>
public static class SettingsCheck
{
    private const string TokenClaims = "sasl.oauthbearer.config";

    /// <summary>As <see cref="KafkaSettings.Validate"/>, and lets the library check every property's name and value.</summary>
    public static unsafe IReadOnlyList<KafkaPropertyError> Validate(this KafkaSettings settings, Librdkafka library)
    {
        var errors = new List<KafkaPropertyError>(settings.Validate());
        var configuration = library.Native.ConfNew();
        foreach (var (property, value) in settings.Properties)
            if (!KafkaProperties.Reserved.ContainsKey(property) && ClientConnection.Set(library.Native, configuration, property, value) is { } problem)
                errors.Add(new(property, $"librdkafka {library.Version} refuses the property {property}: {KafkaProperties.Redact(problem, settings.Properties)}."));
        library.Native.ConfDestroy(configuration);
        // Together they may still be refused: a time-out above another one, a file that is not there.
        if (errors.Count == 0 && Try(settings, library) is { } refusal)
            errors.Add(new(Named(settings, refusal), $"librdkafka {library.Version} refuses the properties together: {KafkaProperties.Redact(refusal, settings.Properties).TrimEnd('.')}."));
        return errors;
    }

    /// <summary>The property that a refusal names, or "".</summary>
    private static string Named(KafkaSettings settings, string refusal) =>
        settings.Properties.Keys.Append(TokenClaims).Where(name => refusal.Contains(name, StringComparison.Ordinal)).MaxBy(name => name.Length) ?? "";

    /// <summary>Makes each kind of client that reading takes, without a broker to talk to; the library's refusal, or null.</summary>
    private static string? Try(KafkaSettings settings, Librdkafka library)
    {
        const string Nothing = "validation";
        foreach (var properties in (Dictionary<string, string>[])[settings.ReaderProperties(Nothing), settings.ControlProperties(Nothing), settings.MemberProperties(Nothing, Nothing)])
        {
            properties.Remove("bootstrap.servers");
            if (ClientConnection.Refusal(library, properties) is { } refusal) return refusal;
        }
        return null;
    }
}
