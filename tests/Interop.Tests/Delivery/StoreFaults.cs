using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>What goes wrong between a run and its store or catalog: a part of the requests, the same for the same seed and order of requests.</summary>
/// <param name="seed">Decides which requests fail, and how.</param>
/// <param name="requestsPerFault">Of how many requests one fails, on average. Of twice as many, at least one does.</param>
/// <param name="more">What else can happen to a request.</param>
internal sealed class StoreFaults(int seed, int requestsPerFault, Func<ProxiedRequest, ProxyFault[]> more)
{
    private static readonly ProxyFault[] Always =
    [
        new ProxyFault.Delay(TimeSpan.FromMilliseconds(200)), new ProxyFault.CutBefore(), new ProxyFault.CutAfter(), new ProxyFault.CutWithin(),
        new ProxyFault.Drip(200, TimeSpan.FromMilliseconds(10)),
        new ProxyFault.Answer(500), new ProxyFault.Answer(500) { IsEffective = true }, new ProxyFault.Answer(503), new ProxyFault.Answer(503) { IsEffective = true },
    ];

    private readonly Random _random = new(seed);
    private bool _hasEnded;
    private int _count;
    private int _untilNext = new Random(seed).Next(1, 2 * requestsPerFault);

    /// <summary>The script of a <see cref="FaultProxy"/>.</summary>
    public ProxyFault Choose(ProxiedRequest request)
    {
        lock (_random)
        {
            if (_hasEnded || --_untilNext > 0) return new ProxyFault.None();
            _untilNext = _random.Next(1, 2 * requestsPerFault);
            _count++;
            ProxyFault[] faults = [.. Always, .. more(request)];
            return faults[_random.Next(faults.Length)];
        }
    }

    /// <summary>From now on nothing fails. The result is how many requests something was done to.</summary>
    public int End()
    {
        lock (_random) _hasEnded = true;
        return _count;
    }

    /// <summary>S3 answers a conditional write with 409 where others write the key, and 412 to one whose first attempt landed.</summary>
    public static ProxyFault[] OfS3(ProxiedRequest request)
    {
        if (!request.Headers.ContainsKey("If-None-Match")) return [];
        var conflict = new ProxyFault.Answer(409, Xml("ConditionalRequestConflict"), ("Content-Type", "application/xml"));
        return [conflict, conflict with { IsEffective = true }, new ProxyFault.Answer(412, Xml("PreconditionFailed"), ("Content-Type", "application/xml")) { IsEffective = true }];
    }

    /// <summary>Azure says both 409 and 412 where an earlier attempt of the same client landed.</summary>
    public static ProxyFault[] OfAzure(ProxiedRequest request) => request.Headers.ContainsKey("If-None-Match")
        ? [.. new[] { (409, "BlobAlreadyExists"), (412, "ConditionNotMet") }.Select(refusal => new ProxyFault.Answer(refusal.Item1, Xml(refusal.Item2), ("Content-Type", "application/xml"), ("x-ms-error-code", refusal.Item2)) { IsEffective = true })]
        : [];

    /// <summary>A REST catalog says conflict where there is one and where the commit landed; what stands before it knows nothing of either.</summary>
    public static ProxyFault[] OfRest(ProxiedRequest request)
    {
        if (request.Method != "POST") return [];
        var conflict = new ProxyFault.Answer(409, """{"error":{"message":"scripted","type":"CommitFailedException","code":409}}""", ("Content-Type", "application/json"));
        return [conflict, conflict with { IsEffective = true }, new ProxyFault.Answer(429), new ProxyFault.Answer(502) { IsEffective = true }, new ProxyFault.Answer(504) { IsEffective = true }];
    }

    private static string Xml(string code) => $"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>scripted</Message></Error>""";
}
