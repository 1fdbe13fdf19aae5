using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Matih.Fixtures;
using Matih.Functions.TestHost;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Matih.Functions.Tests.App;

/// <summary>A metric as Application Insights keeps it.</summary>
internal sealed record InsightsMetric(string Name, double Value, IReadOnlyDictionary<string, string> Dimensions);

/// <summary>
/// The ingestion of Application Insights (<c>POST /v2.1/track</c>: lines of JSON, compressed) over TLS, and the endpoint of an
/// app's managed identity beside it (App Service, API version 2019-08-01). What comes without the identity's token is refused.
/// </summary>
internal sealed class InsightsEndpoint : IAsyncDisposable
{
    private const string Token = "token-of-the-identity";

    private readonly WebApplication _application;
    private readonly X509Certificate2 _certificate;
    private readonly string _folder = TemporaryDirectory.NewUnowned();

    private InsightsEndpoint(WebApplication application, X509Certificate2 certificate)
    {
        (_application, _certificate) = (application, certificate);
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
    }

    public ConcurrentQueue<InsightsMetric> Metrics { get; } = new();

    /// <summary>Names of dependencies, which spans are in Application Insights, with their properties.</summary>
    public ConcurrentQueue<(string Name, IReadOnlyDictionary<string, string> Properties)> Spans { get; } = new();

    /// <summary>What roles the items were of.</summary>
    public ConcurrentQueue<string?> Roles { get; } = new();

    /// <summary>The identities that tokens were asked for, and for what.</summary>
    public ConcurrentQueue<(string? ClientId, string? Resource)> TokenRequests { get; } = new();

    public int RefusedCount { get; private set; }

    private string CertificateFile => Path.Combine(_folder, "certificate.pem");

    /// <summary>What the app is told: where the resource is, that its identity has a token, and whom to trust.</summary>
    public IReadOnlyDictionary<string, string> Settings
    {
        get
        {
            var addresses = LoopbackServer.AddressesOf(_application);
            return new Dictionary<string, string>
            {
                ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = $"InstrumentationKey=6b7a0c2e-7f5b-4f0a-9d62-0d5a4a0d5e11;IngestionEndpoint={addresses[0]}",
                ["IDENTITY_ENDPOINT"] = $"{addresses[1]}msi/token",
                ["IDENTITY_HEADER"] = "header-of-the-app",
                ["SSL_CERT_FILE"] = CertificateFile,
                // The exporter's own statistics would go to their maker.
                ["APPLICATIONINSIGHTS_STATSBEAT_DISABLED"] = "true",
                ["APPLICATIONINSIGHTS_SDKSTATS_DISABLED"] = "true",
                ["APPLICATIONINSIGHTS_SDKSTATS_DISABLED_ALL"] = "true",
            };
        }
    }

    public static async Task<InsightsEndpoint> StartAsync()
    {
        var certificate = CreateCertificate();
        var builder = LoopbackServer.Builder();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate));
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.WebHost.UseKestrelHttpsConfiguration();
        var application = builder.Build();
        var endpoint = new InsightsEndpoint(application, certificate);
        application.MapPost("v2.1/track", endpoint.TakeAsync);
        application.MapGet("msi/token", endpoint.GiveTokenAsync);
        await application.StartAsync();
        return endpoint;
    }

    /// <summary>The greatest sum of a metric that one interval had, of those under the dimensions given; null where none came.</summary>
    public double? Greatest(string name, params (string Key, string Value)[] dimensions) => Metrics
        .Where(metric => metric.Name == name && dimensions.All(wanted => metric.Dimensions.GetValueOrDefault(wanted.Key) == wanted.Value))
        .Select(metric => (double?)metric.Value).Max();

    private async Task TakeAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization != $"Bearer {Token}")
        {
            RefusedCount++;
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        using var reader = new StreamReader(context.Request.Headers.ContentEncoding == "gzip" ? new GZipStream(context.Request.Body, CompressionMode.Decompress) : context.Request.Body);
        var count = 0;
        while (await reader.ReadLineAsync() is { } line)
        {
            count++;
            using var item = JsonDocument.Parse(line);
            Take(item.RootElement);
        }
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(new { itemsReceived = count, itemsAccepted = count, errors = Array.Empty<string>() }));
    }

    private void Take(JsonElement item)
    {
        Roles.Enqueue(item.GetProperty("tags").TryGetProperty("ai.cloud.role", out var role) ? role.GetString() : null);
        var data = item.GetProperty("data").GetProperty("baseData");
        var properties = data.TryGetProperty("properties", out var given) ? given.EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.GetString() ?? "") : [];
        switch (item.GetProperty("data").GetProperty("baseType").GetString())
        {
            case "MetricData":
                foreach (var metric in data.GetProperty("metrics").EnumerateArray())
                    Metrics.Enqueue(new InsightsMetric(metric.GetProperty("name").GetString()!, metric.GetProperty("value").GetDouble(), properties));
                break;
            case "RemoteDependencyData":
                Spans.Enqueue((data.GetProperty("name").GetString()!, properties));
                break;
        }
    }

    private async Task GiveTokenAsync(HttpContext context)
    {
        if (context.Request.Headers["X-IDENTITY-HEADER"] != "header-of-the-app")
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        TokenRequests.Enqueue((context.Request.Query["client_id"], context.Request.Query["resource"]));
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(new
        {
            access_token = Token,
            expires_on = DateTimeOffset.UtcNow.AddHours(8).ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture),
            resource = (string?)context.Request.Query["resource"],
            token_type = "Bearer",
            client_id = (string?)context.Request.Query["client_id"],
        }));
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=insights", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _certificate.Dispose();
        TemporaryDirectory.Delete(_folder);
    }
}
