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
}

/// <summary>How long a call takes either way, and what goes wrong with it.</summary>
internal readonly record struct CallFate(TimeSpan ToServer, TimeSpan ToClient, CallFault Fault, TimeSpan LateBy);
