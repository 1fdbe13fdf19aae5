using System.Collections.Concurrent;
using System.Threading.Channels;
using Grpc.Core;
using Matih.Fixtures;
using Matih.Functions.TestHost.Protocol;

namespace Matih.Functions.TestHost;

/// <summary>The one stream of messages to and from a worker process.</summary>
internal sealed class WorkerStream : FunctionRpc.FunctionRpcBase
{
    private readonly Channel<StreamingMessage> _outgoing = Channel.CreateUnbounded<StreamingMessage>(new() { SingleReader = true });
    private readonly ConcurrentDictionary<string, TaskCompletionSource<StreamingMessage>> _awaited = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The worker's log lines: level, category, message, and the exception where there is one.</summary>
    public LineLog Log { get; } = new();

    /// <summary>Completes when the worker is gone; nothing is sent or received any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Waits for the worker's first message.</summary>
    public Task<StreamingMessage> StartedAsync() => AwaitAsync(StreamingMessage.ContentOneofCase.StartStream.ToString());

    /// <summary>Sends a message of which the worker answers one at a time.</summary>
    public Task<StreamingMessage> CallAsync(StreamingMessage message, StreamingMessage.ContentOneofCase answer) => CallAsync(message, answer.ToString());

    public Task<StreamingMessage> LoadAsync(FunctionLoadRequest request) => CallAsync(new() { FunctionLoadRequest = request }, request.FunctionId);

    public Task<StreamingMessage> InvokeAsync(InvocationRequest request) => CallAsync(new() { InvocationRequest = request }, request.InvocationId);

    public void Send(StreamingMessage message) => _outgoing.Writer.TryWrite(message);

    /// <summary>Ends all waiting: the process is known to be gone.</summary>
    public void End()
    {
        _outgoing.Writer.TryComplete();
        _ended.TrySetResult();
        foreach (var key in _awaited.Keys)
            if (_awaited.TryRemove(key, out var waiting)) waiting.TrySetException(new WorkerEndedException("The worker ended before it answered."));
        Log.End();
    }

    public override async Task EventStream(IAsyncStreamReader<StreamingMessage> requestStream, IServerStreamWriter<StreamingMessage> responseStream, ServerCallContext context)
    {
        var writing = WriteAsync(responseStream, context.CancellationToken);
        try
        {
            await foreach (var message in requestStream.ReadAllAsync(context.CancellationToken)) Receive(message);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The worker was killed.
        }
        End();
        await writing;
    }

    private async Task WriteAsync(IServerStreamWriter<StreamingMessage> responses, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync(cancellationToken)) await responses.WriteAsync(message, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The worker was killed.
        }
    }

    private void Receive(StreamingMessage message)
    {
        switch (message.ContentCase)
        {
            case StreamingMessage.ContentOneofCase.RpcLog:
                var log = message.RpcLog;
                var failure = log.Exception is { } exception ? $"\n{exception.Message}\n{exception.StackTrace}" : "";
                Log.Add($"{log.Level} {log.Category}: {log.Message}{failure}");
                break;
            case StreamingMessage.ContentOneofCase.InvocationResponse:
                Answer(message.InvocationResponse.InvocationId, message);
                break;
            case StreamingMessage.ContentOneofCase.FunctionLoadResponse:
                Answer(message.FunctionLoadResponse.FunctionId, message);
                break;
            default:
                Answer(message.ContentCase.ToString(), message);
                break;
        }
    }

    private void Answer(string key, StreamingMessage message)
    {
        if (_awaited.TryRemove(key, out var waiting)) waiting.TrySetResult(message);
    }

    private async Task<StreamingMessage> CallAsync(StreamingMessage message, string key)
    {
        var answer = AwaitAsync(key);
        Send(message);
        return await answer;
    }

    private Task<StreamingMessage> AwaitAsync(string key)
    {
        var waiting = new TaskCompletionSource<StreamingMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_awaited.TryAdd(key, waiting)) throw new InvalidOperationException($"An answer to {key} is awaited already.");
        // The worker may have ended just before, when nobody looked at this entry.
        if (_ended.Task.IsCompleted) End();
        return waiting.Task;
    }
}
