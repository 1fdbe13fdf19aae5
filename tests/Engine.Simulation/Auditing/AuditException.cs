namespace Matih.Engine.Simulation.Auditing;

/// <summary>The promise is broken; the message says how.</summary>
internal sealed class AuditException(string message, Exception? inner = null) : Exception(message, inner);
