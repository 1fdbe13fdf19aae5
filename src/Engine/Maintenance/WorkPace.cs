namespace Matih.Maintenance;

/// <summary>
/// Lets work take a share of the machine's cores, so that it costs what runs beside it little: after each piece of work it waits
/// as long as the share asks for. Not thread-safe.
/// </summary>
/// <param name="share">Of one core: 0.1 works a tenth of the time; 1 and above never wait.</param>
internal sealed class WorkPace(double share, TimeProvider clock)
{
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(50);

    private long _since = clock.GetTimestamp();
    private TimeSpan _owed;

    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (share >= 1) return;
        _owed += clock.GetElapsedTime(_since) * (1 / share - 1);
        if (_owed >= WaitMin)
        {
            await Task.Delay(_owed, clock, cancellationToken);
            _owed = TimeSpan.Zero;
        }
        _since = clock.GetTimestamp();
    }
}
