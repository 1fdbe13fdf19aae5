namespace Matih.Connectors.Rest;

/// <summary>A token as somebody issued it.</summary>
/// <param name="Lifetime">From now on; null where nobody said.</param>
public sealed record IssuedToken(string Value, TimeSpan? Lifetime)
{
    /// <summary>Prints no token.</summary>
    public override string ToString() => $"token for {(Lifetime is { } time ? $"{time.TotalSeconds:0} s" : "an unknown time")}";
}

/// <summary>
/// Holds one token and gets the next before it expires: a tenth of its lifetime earlier, at most five minutes. Callers that
/// need one at the same time share one request. Thread-safe.
/// </summary>
/// <remarks>Lifetimes are measured, not compared with the wall clock, so that a clock that jumps does no harm.</remarks>
internal sealed class TokenCache
{
    private static readonly TimeSpan EarlyMax = TimeSpan.FromMinutes(5);

    private readonly TimeProvider _clock;
    private readonly SharedCall<Held> _issuing;
    private volatile Held? _held;

    public TokenCache(Func<CancellationToken, ValueTask<IssuedToken>> issue, TimeProvider clock)
    {
        _clock = clock;
        _issuing = new SharedCall<Held>(async () =>
        {
            if (_held is { } current && !IsDue(current)) return current;
            var askedAt = clock.GetTimestamp();
            return _held = new Held(await issue(CancellationToken.None), askedAt);
        });
    }

    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        var held = _held;
        if (held is not null && !IsDue(held)) return held.Token.Value;
        try
        {
            return (await _issuing.RunAsync(cancellationToken)).Token.Value;
        }
        catch (Exception e) when (e is not OperationCanceledException && held is not null && IsAlive(held) && _held == held)
        {
            // It is early: what is held still counts for a while.
            return held.Token.Value;
        }
    }

    /// <summary>Says that a token was refused, so that the next caller gets a new one.</summary>
    public void Forget(string token)
    {
        if (_held is { } held && held.Token.Value == token) Interlocked.CompareExchange(ref _held, null, held);
    }

    private bool IsDue(Held held) => held.Token.Lifetime is { } lifetime && Age(held) >= lifetime - Early(lifetime);

    private bool IsAlive(Held held) => held.Token.Lifetime is not { } lifetime || Age(held) < lifetime;

    private TimeSpan Age(Held held) => _clock.GetElapsedTime(held.AskedAt);

    private static TimeSpan Early(TimeSpan lifetime) => lifetime / 10 < EarlyMax ? lifetime / 10 : EarlyMax;

    private sealed record Held(IssuedToken Token, long AskedAt);
}
