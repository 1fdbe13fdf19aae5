using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>What one reading of a definition collects, and the inputs that it may ask.</summary>
/// <param name="hintFor">The end of the message about a key that does not belong where it stands: where it does; null where nobody knows.</param>
internal sealed class ReadState(DefinitionInputs inputs, Func<string, string?> hintFor)
{
    private readonly HashSet<DefinitionError> _errors = [];
    private readonly HashSet<DefinitionError> _warnings = [];

    public DefinitionInputs Inputs { get; } = inputs;

    public Func<string, string?> HintFor { get; } = hintFor;

    public bool HasErrors => _errors.Count != 0;

    public int ErrorCount => _errors.Count;

    /// <summary>Errors by position; those of one place in the order of their discovery.</summary>
    public IEnumerable<DefinitionError> Errors => _errors.OrderBy(error => error.Position);

    public IEnumerable<DefinitionError> Warnings => _warnings.OrderBy(warning => warning.Position);

    public void Report(DefinitionPosition position, string path, string message) => _errors.Add(ToError(position, path, message));

    public void Warn(DefinitionPosition position, string path, string message) => _warnings.Add(ToError(position, path, message));

    /// <summary>The text of a scalar with variables put in; false after a report.</summary>
    public bool TryResolve(YamlNode.Scalar scalar, string path, out ResolvedText text) =>
        Substitution.TryResolve(scalar, Inputs.Environment, (place, message) => Report(place, path, message), out text);

    /// <summary>An absolute path, relative ones taken from the base directory.</summary>
    public string ToAbsolutePath(string path) => Path.GetFullPath(path, Inputs.BaseDirectory);

    private static DefinitionError ToError(DefinitionPosition position, string path, string message) =>
        new(position.File, position.Line, position.Column, path, message);
}
