using System.Collections.Immutable;
using Matih.Registry;

namespace Matih.Connectors.Registry;

/// <summary>Follows the references of one schema, and theirs: each schema is fetched once, however many refer to it.</summary>
/// <param name="what">The schema, for messages.</param>
internal sealed class ReferenceResolution(RegistryRequests requests, string what)
{
    private const int DepthMax = 64;
    private const int CountMax = 1_000;

    /// <summary>By subject and version; null while its own references are followed.</summary>
    private readonly Dictionary<(string Subject, int Version), RegisteredSchema?> _found = [];

    private int _charCount;

    /// <exception cref="SchemaRegistryException">A reference leads nowhere, in a circle, or too far.</exception>
    public Task<RegisteredSchema> ResolveAsync(RegistryAnswer answer, CancellationToken cancellationToken) => ResolveAsync(answer, 0, cancellationToken);

    private async Task<RegisteredSchema> ResolveAsync(RegistryAnswer answer, int depth, CancellationToken cancellationToken)
    {
        _charCount += answer.Text.Length;
        if (_charCount > RegistryClient.AnswerBytesMax) throw Refused($"is longer than {RegistryClient.AnswerBytesMax >> 20} MiB with all that it refers to");
        var references = ImmutableArray.CreateBuilder<SchemaReference>(answer.References.Length);
        foreach (var reference in answer.References) references.Add(new SchemaReference(reference.Name, await FindAsync(reference, depth + 1, cancellationToken)));
        return new RegisteredSchema(answer.Language, answer.Text, references.MoveToImmutable()) { Id = answer.Id, Version = answer.Version };
    }

    private async Task<RegisteredSchema> FindAsync(RegistryReference reference, int depth, CancellationToken cancellationToken)
    {
        var key = (reference.Subject, reference.Version);
        var shown = $"version {reference.Version} of subject '{reference.Subject}'";
        if (_found.TryGetValue(key, out var found)) return found ?? throw Refused($"refers in a circle to {shown}");
        if (depth > DepthMax) throw Refused($"refers to {shown} over more than {DepthMax} others");
        if (_found.Count == CountMax) throw Refused($"refers to more than {Quantity.Count(CountMax)} others");
        _found.Add(key, null);
        // What others refer to stays, also where its subject was deleted since.
        var answer = await requests.GetAsync($"{RegistryClient.SubjectPath(reference.Subject, requests.Name)}/versions/{reference.Version}?deleted=true", cancellationToken)
            ?? throw Refused($"refers to {shown}, which the registry does not have");
        return _found[key] = await ResolveAsync(answer, depth, cancellationToken);
    }

    private SchemaRegistryException Refused(string problem) =>
        new($"The {requests.Name}: the schema of {what} {problem}. Correct what is registered there.", isTransient: false);
}
