using System.Runtime.InteropServices;
using Matih.Delivery;

namespace Matih.Host.Runtime;

/// <summary>
/// What a terminal, a container runtime or a scheduler says to this process. The first signal asks for a last checkpoint and
/// a clean end; a second one ends the process at once, which is as safe: the next start continues from what the tables hold.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Action<string> _announce;
    private readonly bool _ignoresInterrupt;
    private int _count;

    /// <param name="announce">Told what the first signal does, one sentence.</param>
    /// <param name="ignoresInterrupt">
    /// Ctrl-C reaches every process of the terminal; one that is supervised leaves it to its supervisor.
    /// </param>
    public StopSignals(Action<string> announce, bool ignoresInterrupt = false)
    {
        _announce = announce;
        _ignoresInterrupt = ignoresInterrupt;
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            _registrations.Add(PosixSignalRegistration.Create(signal, Receive));
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Whether the first signal was Ctrl-C, as opposed to a request of the system.</summary>
    public bool WasInterrupted { get; private set; }

    /// <summary>The code of a run that ended without failure.</summary>
    public int CleanExitCode => WasInterrupted ? ExitCode.Interrupted : ExitCode.Done;

    /// <summary>As a SIGTERM would.</summary>
    public void RequestStop()
    {
        if (Interlocked.CompareExchange(ref _count, 1, 0) == 0) _stop.Cancel();
    }

    private void Receive(PosixSignalContext context)
    {
        context.Cancel = true;
        var isInterrupt = context.Signal == PosixSignal.SIGINT;
        if (isInterrupt && _ignoresInterrupt) return;
        if (Interlocked.Increment(ref _count) > 1) Environment.Exit(isInterrupt ? ExitCode.Interrupted : HostExit.Terminated);
        WasInterrupted = isInterrupt;
        _announce(isInterrupt ? "Interrupted: taking a last checkpoint. Press Ctrl-C again to end at once." : "Asked to stop: taking a last checkpoint.");
        _stop.Cancel();
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _stop.Dispose();
    }
}
