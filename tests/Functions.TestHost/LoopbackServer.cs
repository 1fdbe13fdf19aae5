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

/// <summary>An HTTP/1.1 server on this machine, at a free port, which has one answer to everything.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private LoopbackServer(WebApplication application) => (_application, Address) = (application, AddressesOf(application)[0]);

    public Uri Address { get; }

    public static async Task<LoopbackServer> StartAsync(RequestDelegate answer)
    {
        var application = Builder(HttpProtocols.Http1).Build();
        application.MapFallback("{**path}", answer);
        await application.StartAsync();
        return new(application);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    /// <summary>What every server here has: a port for each of the protocols, no log, and patience.</summary>
    public static WebApplicationBuilder Builder(params HttpProtocols[] protocols)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            foreach (var protocol in protocols) options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocol);
            options.Limits.MaxRequestBodySize = null;
            // A busy machine leaves the other side without CPU for a while.
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
        });
        // Who ends a server has ended those who call it.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        return builder;
    }

    /// <summary>The addresses of a server that runs, in the order of its protocols.</summary>
    public static Uri[] AddressesOf(WebApplication application) =>
        [.. application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address))];
}
