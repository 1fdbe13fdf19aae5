using Matih.Functions;
using Matih.Hosting;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

var host = new HostBuilder()
    .ConfigureFunctionsWorkerDefaults()
    .ConfigureServices(services =>
    {
        services.AddSingleton(HostSettings.OfProcess());
        services.AddSingleton<AppServices>();
        services.AddSingleton<IFunctionMetadataTransformer, SourceFunctions>();
    })
    .Build();
await host.RunAsync();
