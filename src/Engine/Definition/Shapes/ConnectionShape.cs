using System.Text.Json;

namespace Matih.Definition.Shapes;

/// <summary>A source's <c>connection</c>: what it means is decided where the connections are known.</summary>
internal sealed class ConnectionShape : ScalarShape<string>
{
    public override string Words => "host:port (a port from 1 to 65535; several separated by commas), or the name of a connection";

    public override string Cell => "bootstrap list or name";

    protected override bool TryParse(ResolvedText text, ReadState state, out string value, out string? problem)
    {
        value = text.Value.Trim();
        var isOne = Grammars.Name.Accepts(value) || Grammars.Bootstrap.Accepts(value);
        problem = isOne ? null
            : value.Contains("://", StringComparison.Ordinal)
                ? $"expected {Words}, without a scheme: what 'SASL_SSL://' says goes to security.protocol of an entry under connections"
                : $"expected {Words}, found something else (not shown: it may hold credentials)";
        return isOne;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");
}
