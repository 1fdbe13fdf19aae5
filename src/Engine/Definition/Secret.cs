namespace Matih.Definition;

/// <summary>A value that must not be shown. It prints as <c>***</c>; only <see cref="Reveal"/> gives it away.</summary>
public sealed class Secret(string value)
{
    /// <summary>What a secret looks like in messages.</summary>
    public const string Mask = "***";

    private readonly string _value = value;

    /// <summary>The value itself, for the component that has to present it.</summary>
    public string Reveal() => _value;

    public override string ToString() => Mask;
}
