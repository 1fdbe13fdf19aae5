namespace Matih.Host.Runtime;

/// <summary>Starts each piece of work on a thread of its own, because lanes block in native polls and in disk writes.</summary>
public sealed class SystemTaskStarter : ITaskStarter
{
    public Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () => work(cancellationToken),
            cancellationToken,
            TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default).Unwrap();
}
