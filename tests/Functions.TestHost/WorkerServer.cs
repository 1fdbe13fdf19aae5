using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

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
        // In the order in which they were asked for below.
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        (Grpc, Http) = (new Uri(addresses[0]), new Uri(addresses[1]));
    }

    public Uri Grpc { get; }
    public Uri Http { get; }

    public static async Task<WorkerServer> StartAsync(WorkerStream stream, RequestDelegate http)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            options.Limits.MaxRequestBodySize = null;
            // A busy machine leaves a worker without CPU for a while.
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
        });
        // Who disposes it has ended the worker already.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
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
