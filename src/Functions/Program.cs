using Matih.Functions;
using Matih.Functions.Telemetry;
using Matih.Hosting;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

var host = new HostBuilder()
    .ConfigureFunctionsWorkerDefaults()
    // The log itself leaves out what is below its level.
    .ConfigureLogging(logging => logging.AddFilter(HostLog.Category, LogLevel.Trace))
    .ConfigureServices(services =>
    {
        services.AddSingleton(HostSettings.OfProcess());
        services.AddSingleton(provider => HostLog.Create(provider.GetRequiredService<HostSettings>(), provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<TelemetryExport>();
        services.AddSingleton<AppServices>();
        services.AddSingleton<LoopClient>();
        services.AddSingleton<IFunctionMetadataTransformer, SourceFunctions>();
    })
    .Build();
await host.RunAsync();
