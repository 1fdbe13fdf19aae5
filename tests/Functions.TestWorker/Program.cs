using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Hosting;

new HostBuilder().ConfigureFunctionsWorkerDefaults().Build().Run();
