namespace Matih.Delivery;

/// <summary>
/// A delay to be waited for together with something else. <see cref="Task.WhenAny(Task, Task)"/> over a bare
/// <see cref="Task.Delay(TimeSpan, TimeProvider, CancellationToken)"/> goes on in the thread pool when the delay is cancelled,
/// because the runtime guards against deep stacks there; over this it goes on where it was begun.
/// </summary>
internal static class Pause
{
    public static async Task ForAsync(TimeSpan time, TimeProvider clock, CancellationToken cancellationToken) => await Task.Delay(time, clock, cancellationToken);
}
