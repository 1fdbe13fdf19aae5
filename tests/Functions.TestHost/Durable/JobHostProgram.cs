using System.Text.Json.Nodes;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Azure.WebJobs.Host.Config;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Matih.Functions.TestHost.Durable;

/// <summary>
/// A WebJobs host with the real Durable extension, whose orchestrators and activities are forwarded to a worker in another
/// process. It ends when its input does, so that none outlives its tests.
/// </summary>
internal static class JobHostProgram
{
    // The name under which a Functions host keeps its host.json, so that app settings override it as they do there.
    private const string Section = "AzureFunctionsJobHost";

    public static async Task RunAsync(TextReader input, TextWriter output)
    {
        var settings = JobHostSettings.Parse(await input.ReadLineAsync() ?? throw new EndOfStreamException("The job host got no settings."));
        ForwardingFunctions.Worker = settings.Worker;
        using var host = Build(settings);
        await host.StartAsync();
        var client = "";
        await host.Services.GetRequiredService<IJobHost>().CallAsync(
            ForwardingFunctions.ClientFunction, new Dictionary<string, object> { ["receive"] = (Action<string>)(data => client = data) });
        await output.WriteLineAsync(JobHostSettings.Ready + client);
        await output.FlushAsync();
        while (await input.ReadLineAsync() is not null) { }
        await host.StopAsync();
    }

    private static IHost Build(JobHostSettings settings) =>
        new HostBuilder()
            .ConfigureAppConfiguration(configuration => configuration
                .AddInMemoryCollection([new("AzureWebJobsConfigurationSection", Section)])
                .AddJsonStream(HostJson(settings.HostJson))
                .AddEnvironmentVariables())
            .ConfigureLogging(logging => logging.SetMinimumLevel(LogLevel.Warning).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace))
            .ConfigureServices(services => services
                .AddSingleton<ITypeLocator>(new ForwardingFunctions.Locator(settings))
                .AddSingleton<INameResolver, SettingResolver>()
#pragma warning disable CS0618 // Obsolete for apps; hosts provide it.
                .AddSingleton<IWebHookProvider, WebHooks>())
#pragma warning restore CS0618
            .ConfigureWebJobs(builder => builder.AddDurableTask())
            .Build();

    private static MemoryStream HostJson(string path)
    {
        var root = new JsonObject { [Section] = JsonNode.Parse(File.ReadAllText(path)) };
        return new MemoryStream(System.Text.Encoding.UTF8.GetBytes(root.ToJsonString()));
    }

    private sealed class SettingResolver(IConfiguration configuration) : INameResolver
    {
        public string Resolve(string name) => configuration[name]!;
    }

#pragma warning disable CS0618
    private sealed class WebHooks(IConfiguration configuration) : IWebHookProvider
#pragma warning restore CS0618
    {
        public Uri GetUrl(IExtensionConfigProvider extension) => new($"http://{configuration["WEBSITE_HOSTNAME"]}/runtime/webhooks/durabletask?code=test");
    }
}
