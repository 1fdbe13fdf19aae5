using System.Net;
using System.Reflection;
using System.Reflection.Emit;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Newtonsoft.Json;

namespace Matih.Functions.TestHost.Durable;

/// <summary>The functions that the Durable extension sees: one for each orchestrator and activity of the worker, and a client.</summary>
public static class ForwardingFunctions
{
    /// <summary>The function that hands out what a durable client is bound to.</summary>
    internal const string ClientFunction = "TestHostClient";

    // An activity may take as long as it likes.
    private static readonly HttpClient Http = new() { Timeout = Timeout.InfiniteTimeSpan };

    // A text in JSON becomes a text, and none a date.
    private static readonly JsonSerializerSettings AsTheyStand = new() { DateParseHandling = DateParseHandling.None };

    /// <summary>The address of the process that has the worker.</summary>
    internal static Uri? Worker { get; set; }

    /// <summary>Invokes the worker's function of that name. Called by the functions made below.</summary>
    /// <returns>What a Functions host would hand to the extension: a text, or parsed JSON.</returns>
    public static async Task<object?> ForwardAsync(string function, string data)
    {
        HttpResponseMessage response;
        try
        {
            response = await Http.PostAsync(new Uri(Worker!, DurableHost.InvokePath + Uri.EscapeDataString(function)), new StringContent(data));
        }
        catch (HttpRequestException exception)
        {
            throw new WorkerProcessExitException(exception.Message);
        }
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync();
            return response.StatusCode switch
            {
                HttpStatusCode.OK => response.Content.Headers.ContentType?.MediaType == DurableHost.JsonType ? JsonConvert.DeserializeObject(text, AsTheyStand) : text,
                HttpStatusCode.NoContent => null,
                HttpStatusCode.ServiceUnavailable => throw new WorkerProcessExitException(text),
                HttpStatusCode.UnprocessableEntity => throw new WorkerFunctionException(text),
                _ => throw new InvalidOperationException($"The function {function} could not be invoked ({response.StatusCode}): {text}"),
            };
        }
    }

    /// <summary>Finds the functions, of which those that forward are made at run time, as their names are.</summary>
    internal sealed class Locator(JobHostSettings settings) : ITypeLocator
    {
        public IReadOnlyList<Type> GetTypes() => [typeof(ClientFunctions), Make(settings)];

        private static Type Make(JobHostSettings settings)
        {
            var module = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Matih.Functions.TestHost.Forwarding"), AssemblyBuilderAccess.Run).DefineDynamicModule("Forwarding");
            var type = module.DefineType("Forwarding", TypeAttributes.Public | TypeAttributes.Class | TypeAttributes.Abstract | TypeAttributes.Sealed);
            foreach (var name in settings.Orchestrators) Add(type, name, typeof(OrchestrationTriggerAttribute));
            foreach (var name in settings.Activities) Add(type, name, typeof(ActivityTriggerAttribute));
            return type.CreateType();
        }

        private static void Add(TypeBuilder type, string name, Type trigger)
        {
            var method = type.DefineMethod(name, MethodAttributes.Public | MethodAttributes.Static, typeof(Task<object>), [typeof(string)]);
            method.SetCustomAttribute(new(typeof(FunctionNameAttribute).GetConstructor([typeof(string)])!, [name]));
            method.DefineParameter(1, ParameterAttributes.None, "input").SetCustomAttribute(new(trigger.GetConstructor([])!, []));
            var code = method.GetILGenerator();
            code.Emit(OpCodes.Ldstr, name);
            code.Emit(OpCodes.Ldarg_0);
            code.Emit(OpCodes.Call, typeof(ForwardingFunctions).GetMethod(nameof(ForwardAsync))!);
            code.Emit(OpCodes.Ret);
        }
    }
}

/// <summary>The one function that runs in the job host itself.</summary>
public static class ClientFunctions
{
    [NoAutomaticTrigger]
    [FunctionName(ForwardingFunctions.ClientFunction)]
#pragma warning disable DF0203 // A text is what hosts bind for functions of other processes.
    public static void Client(Action<string> receive, [DurableClient] string client) => receive(client);
#pragma warning restore DF0203
}

/// <summary>
/// The worker ended. The Durable extension knows a type of this name. Observed with version 3.19.0: an activity fails with it all
/// the same, which its orchestrator sees as any other failure.
/// </summary>
public sealed class WorkerProcessExitException(string message) : Exception(message);

/// <summary>A function of the worker threw. The message is in the form that the Durable extension parses.</summary>
public sealed class WorkerFunctionException(string message) : Exception(message);
