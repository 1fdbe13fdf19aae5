using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Matih.Functions.TestHost;

/// <summary>The servers of one worker on this machine: gRPC for the worker itself, HTTP/1.1 for those who call its HTTP functions.</summary>
internal sealed class WorkerServer : IAsyncDisposable
{
    /// <summary>The largest message in either direction, as a host allows it.</summary>
    public const int MessageBytesMax = int.MaxValue;

    private readonly WebApplication _application;

    private WorkerServer(WebApplication application)
    {
        _application = application;
        var addresses = LoopbackServer.AddressesOf(application);
        (Grpc, Http) = (addresses[0], addresses[1]);
    }

    public Uri Grpc { get; }
    public Uri Http { get; }

    public static async Task<WorkerServer> StartAsync(WorkerStream stream, RequestDelegate http)
    {
        var builder = LoopbackServer.Builder(HttpProtocols.Http2, HttpProtocols.Http1);
        builder.Services.AddSingleton(stream);
        builder.Services.AddGrpc(options => (options.MaxReceiveMessageSize, options.MaxSendMessageSize) = (MessageBytesMax, MessageBytesMax));
        var application = builder.Build();
        application.MapGrpcService<WorkerStream>();
        application.MapFallback("{**path}", http);
        await application.StartAsync();
        return new(application);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();
}
