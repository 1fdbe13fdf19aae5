using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Matih.Delivery;

namespace Matih.Hosting.Flink;

/// <summary>What an endpoint of Flink answered.</summary>
internal readonly record struct FlinkAnswer(HttpStatusCode Status, string Body)
{
    public bool IsOk => (int)Status is >= 200 and < 300;

    public JsonElement Json()
    {
        using var document = JsonDocument.Parse(Body.Length == 0 ? "{}" : Body);
        return document.RootElement.Clone();
    }

    /// <summary>The stack trace of an error answer (<c>{"errors": ["Internal server error.", "&lt;Exception …"]}</c>), or the body.</summary>
    public string Trace()
    {
        try
        {
            return Json().TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array
                ? string.Join('\n', errors.EnumerateArray().Skip(errors.GetArrayLength() > 1 ? 1 : 0).Select(error => error.GetString()))
                : Body;
        }
        catch (JsonException)
        {
            return Body;
        }
    }
}

/// <summary>No answer came: what was asked for may have happened all the same.</summary>
internal sealed class FlinkSilenceException(string message, Exception inner) : Exception(message, inner);

/// <summary>Calls one address of Flink.</summary>
/// <param name="name">What messages call it: the SQL Gateway, the JobManager.</param>
internal sealed class FlinkHttp(HttpClient client, Uri address, string name, TimeSpan timeout)
{
    public Uri Address { get; } = address;

    public Task<FlinkAnswer> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <param name="write">Writes the members of the object that is sent.</param>
    public Task<FlinkAnswer> PostAsync(string path, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return SendAsync(HttpMethod.Post, path, Encoding.UTF8.GetString(buffer.WrittenSpan), cancellationToken);
    }

    public Task<FlinkAnswer> DeleteAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, path, null, cancellationToken);

    /// <exception cref="FlinkSilenceException">The connection failed, or the time was over before the answer.</exception>
    private async Task<FlinkAnswer> SendAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(Address, path));
            if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
            using var response = await client.SendAsync(request, limit.Token);
            return new FlinkAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(limit.Token));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new FlinkSilenceException($"{name} at {Address} did not answer {method} {path} within {timeout.TotalSeconds:N0} s.", exception);
        }
        catch (HttpRequestException exception)
        {
            throw new FlinkSilenceException($"{name} at {Address} cannot be reached: {exception.Message}", exception);
        }
    }

    /// <summary>A failure that a person reads.</summary>
    public static PipelineException Failed(string message, string remedy, Exception? inner = null) => new(FailureKind.Flink, message, remedy, inner);

    /// <summary>To go on would lose or double records.</summary>
    public static PipelineException Refused(string message, string remedy) => new(FailureKind.WouldLoseOrDouble, message, remedy);
}
