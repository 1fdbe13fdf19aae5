using System.Security.Cryptography;
using System.Text;

namespace Matih.Hosting.Serverless;

/// <summary>
/// Names of functions, one for each source. Azure Functions wants a letter first, then letters, digits, '-' and '_', at most 127
/// characters, and no two names that differ only in case.
/// </summary>
internal sealed class FunctionNames
{
    private const int LengthMax = 100;

    private readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary><c>ingest-PIPELINE-SOURCE</c>; with a hash where that is too long, or taken.</summary>
    public string Add(string pipeline, string source)
    {
        var plain = $"ingest-{pipeline.Replace('.', '-')}-{source}";
        if (plain.Length <= LengthMax && _taken.Add(plain)) return plain;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{pipeline}/{source}")))[..12];
        var hashed = $"{plain[..Math.Min(plain.Length, LengthMax)]}-{hash}";
        _taken.Add(hashed);
        return hashed;
    }
}
