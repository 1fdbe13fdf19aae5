namespace Matih.Engine.Simulation.World;

/// <summary>What may happen to a call over the network.</summary>
internal enum CallFault
{
    None,
    /// <summary>It never reaches the server.</summary>
    FailsBefore,
    /// <summary>It has its effect, and the caller does not learn of it.</summary>
    AnswerLost,
    /// <summary>The caller gives up, and the effect comes later.</summary>
    LandsLate,
    /// <summary>The server asks for fewer requests, or says that nothing is decided: it did nothing, and the caller knows.</summary>
    TurnedAway,
    /// <summary>The answer to a change is true of something else: that it exists, of what this very call has made; that the server failed, of a lost race.</summary>
    FalseAnswer,
}

internal static class CallFaults
{
    public static string Cause(this CallFault fault) => fault switch
    {
        CallFault.FailsBefore => "the connection was reset",
        CallFault.AnswerLost => "the answer was lost",
        CallFault.LandsLate => "no answer came in time",
        CallFault.TurnedAway => "the server asked for fewer requests",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
    };
}

/// <summary>How long a call takes either way, and what goes wrong with it.</summary>
internal readonly record struct CallFate(TimeSpan ToServer, TimeSpan ToClient, CallFault Fault, TimeSpan LateBy);
