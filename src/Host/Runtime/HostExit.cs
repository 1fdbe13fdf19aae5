using Matih.Delivery;

namespace Matih.Host.Runtime;

/// <summary>Exit codes that only the command itself uses; the engine's are in <see cref="ExitCode"/>.</summary>
internal static class HostExit
{
    /// <summary>The command line cannot be understood; the same code as for a definition that cannot.</summary>
    public const int Usage = ExitCode.BadDefinition;

    /// <summary>The demonstration's count and the table's do not agree.</summary>
    public const int Disagreement = 1;

    /// <summary>A test of a definition found something else than it expects.</summary>
    public const int TestFailed = 1;

    /// <summary>The run that was asked for its health is not well, or did not answer. Container engines know 0 and 1 alone.</summary>
    public const int Unwell = 1;

    /// <summary>A broken invariant: a bug (EX_SOFTWARE of sysexits.h).</summary>
    public const int Crash = 70;

    /// <summary>Aborted by a second signal: 128 and the signal's number, as shells have it.</summary>
    public const int Terminated = 143;
}

/// <summary>The command line, or a setting in the environment, asks for something that there is not. A full sentence.</summary>
internal sealed class UsageException(string message) : Exception(message);
