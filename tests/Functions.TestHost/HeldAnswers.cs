namespace Matih.Functions.TestHost;

/// <summary>Answers of a function that its job host is kept waiting for. Thread-safe.</summary>
public sealed class HeldAnswers
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously), _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    internal HeldAnswers(string function) => Function = function;

    /// <summary>The function's name.</summary>
    public string Function { get; }

    /// <summary>How many answers there were, held or not: how often the function has run.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Ends when the first answer is there.</summary>
    public Task Reached => _reached.Task;

    /// <summary>Hands over what is held, and what comes from now on.</summary>
    public void Release() => _released.TrySetResult();

    internal Task PassAsync()
    {
        Interlocked.Increment(ref _count);
        _reached.TrySetResult();
        return _released.Task;
    }
}
