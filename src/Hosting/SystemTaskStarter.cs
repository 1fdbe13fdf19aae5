namespace Matih.Hosting;

/// <summary>
/// Starts each piece of work on a thread of its own, and lets it continue there after every wait, because lanes block in native
/// polls and in disk writes: on the thread pool they would take threads from all others.
/// </summary>
public sealed class SystemTaskStarter : ITaskStarter
{
    public Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () => WorkThread.Run(work, cancellationToken),
            cancellationToken,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default).Unwrap();
}
