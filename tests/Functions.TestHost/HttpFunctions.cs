using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Matih.Functions.TestHost.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;

namespace Matih.Functions.TestHost;

/// <summary>
/// Serves the HTTP functions of a worker under their routes: 404 where none fits, 500 where the function fails, 503 where the
/// worker is gone. Constraints of route parameters are not checked, and keys are not asked for.
/// </summary>
internal sealed class HttpFunctions
{
    private WorkerProcess? _worker;
    private HttpRoute[] _routes = [];

    /// <summary>From now on requests are served.</summary>
    public void Open(WorkerProcess worker)
    {
        _worker = worker;
        _routes = [.. worker.Functions.Where(function => function.IsTriggeredBy("httpTrigger")).Select(function => new HttpRoute(function))];
    }

    public async Task ServeAsync(HttpContext context)
    {
        foreach (var route in _routes)
        {
            if (route.Match(context.Request) is not { } values) continue;
            await InvokeAsync(context, route.Function, values);
            return;
        }
        context.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    private async Task InvokeAsync(HttpContext context, WorkerFunction function, RouteValueDictionary values)
    {
        try
        {
            var result = await _worker!.InvokeAsync(function.Name, await InvocationAsync(context, values), context.RequestAborted);
            if (result.Failure is { } failure) await FailAsync(context, StatusCodes.Status500InternalServerError, failure.Message);
            else await WriteAsync(context.Response, (result.ReturnValue ?? result.Outputs.Values.FirstOrDefault())?.Http);
        }
        catch (WorkerEndedException exception)
        {
            await FailAsync(context, StatusCodes.Status503ServiceUnavailable, exception.Message);
        }
    }

    private static async Task<Invocation> InvocationAsync(HttpContext context, RouteValueDictionary values)
    {
        var request = context.Request;
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        var http = new RpcHttp { Method = request.Method, Url = request.GetEncodedUrl() };
        if (body.Length > 0) http.Body = new() { Bytes = ByteString.CopyFrom(body.GetBuffer(), 0, (int)body.Length) };
        foreach (var (name, value) in request.Headers) Add(http.Headers, http.NullableHeaders, name, value.ToString());
        foreach (var (name, value) in request.Query) Add(http.Query, http.NullableQuery, name, value.ToString());
        var metadata = new Dictionary<string, TypedData>();
        foreach (var (name, value) in values)
        {
            var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            Add(http.Params, http.NullableParams, name, text);
            metadata[name] = new() { String = text };
        }
        return new() { Trigger = new() { Http = http }, Metadata = metadata };
    }

    /// <summary>Which of the two maps a worker reads depends on its version.</summary>
    private static void Add(IDictionary<string, string> plain, IDictionary<string, NullableString> nullable, string name, string value)
    {
        plain[name] = value;
        nullable[name] = new() { Value = value };
    }

    private static async Task WriteAsync(HttpResponse response, RpcHttp? http)
    {
        if (http is null)
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        response.StatusCode = int.Parse(http.StatusCode, CultureInfo.InvariantCulture);
        foreach (var (name, value) in http.Headers) response.Headers[name] = value;
        var body = http.Body?.DataCase switch
        {
            TypedData.DataOneofCase.Bytes => http.Body.Bytes,
            TypedData.DataOneofCase.Stream => http.Body.Stream,
            TypedData.DataOneofCase.String => ByteString.CopyFromUtf8(http.Body.String),
            TypedData.DataOneofCase.Json => ByteString.CopyFromUtf8(http.Body.Json),
            _ => ByteString.Empty,
        };
        await response.Body.WriteAsync(body.Memory);
    }

    private static Task FailAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(message);
    }
}

/// <summary>Where an HTTP function is found.</summary>
internal sealed class HttpRoute
{
    private readonly TemplateMatcher _matcher;
    private readonly string[]? _methods;

    public HttpRoute(WorkerFunction function)
    {
        Function = function;
        var route = function.Trigger.TryGetProperty("route", out var property) && property.GetString() is { Length: > 0 } text ? text : function.Name;
        _matcher = new(TemplateParser.Parse("api/" + route), []);
        _methods = function.Trigger.TryGetProperty("methods", out var methods) && methods.ValueKind == JsonValueKind.Array
            ? [.. methods.EnumerateArray().Select(method => method.GetString()!)]
            : null;
    }

    public WorkerFunction Function { get; }

    /// <summary>The values of the route's parameters; null where the request is meant for another function.</summary>
    public RouteValueDictionary? Match(HttpRequest request)
    {
        if (_methods is not null && !_methods.Contains(request.Method, StringComparer.OrdinalIgnoreCase)) return null;
        var values = new RouteValueDictionary();
        return _matcher.TryMatch(request.Path, values) ? values : null;
    }
}
