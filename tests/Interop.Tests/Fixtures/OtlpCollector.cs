using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Matih.Fixtures;

/// <summary>A number that was sent: of a sum, a gauge, or the count of a histogram.</summary>
public sealed record OtlpPoint(string Metric, string Unit, string Kind, IReadOnlyDictionary<string, string> Attributes, double Value);

/// <summary>A span that was sent.</summary>
public sealed record OtlpSpan(string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>
/// A collector that takes OTLP over HTTP as protobuf (opentelemetry-proto 1.x, <c>ExportMetricsServiceRequest</c> and
/// <c>ExportTraceServiceRequest</c>) and keeps what it gets. It knows the few fields that tests look at.
/// </summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task _serving;

    private OtlpCollector(int port)
    {
        Endpoint = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add($"{Endpoint}/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Endpoint { get; }

    /// <summary>Paths, content types and headers of the requests, in order.</summary>
    public ConcurrentQueue<(string Path, string? ContentType, string? Key)> Requests { get; } = new();

    public ConcurrentQueue<OtlpPoint> Points { get; } = new();

    public ConcurrentQueue<OtlpSpan> Spans { get; } = new();

    /// <summary>Attributes of the resource that the newest request was about.</summary>
    public IReadOnlyDictionary<string, string> Resource { get; private set; } = new Dictionary<string, string>();

    public static OtlpCollector Start()
    {
        // A port may be taken between the look and the start.
        for (var attempt = 1; ; attempt++)
        {
            using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            var port = ((IPEndPoint)probe.LocalEndpoint).Port;
            probe.Stop();
            try
            {
                return new OtlpCollector(port);
            }
            catch (HttpListenerException) when (attempt < 10)
            {
                // The next one.
            }
        }
    }

    /// <summary>The greatest value of a metric under the attributes given; null where none was sent.</summary>
    public double? Greatest(string metric, params (string Key, string Value)[] attributes) => Points
        .Where(point => point.Metric == metric && attributes.All(wanted => point.Attributes.GetValueOrDefault(wanted.Key) == wanted.Value))
        .Select(point => (double?)point.Value).Max();

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            Requests.Enqueue((context.Request.Url!.AbsolutePath, context.Request.ContentType, context.Request.Headers["x-key"]));
            foreach (var resource in Protobuf.Read(body.ToArray()).Messages(1))
            {
                Resource = Attributes(resource.Message(1), 1);
                foreach (var scope in resource.Messages(2))
                {
                    if (context.Request.Url.AbsolutePath == "/v1/metrics") foreach (var metric in scope.Messages(2)) TakeMetric(metric);
                    else foreach (var span in scope.Messages(2)) Spans.Enqueue(new OtlpSpan(span.Text(5), Attributes(span, 9)));
                }
            }
            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }

    private void TakeMetric(Protobuf metric)
    {
        var (name, unit) = (metric.Text(1), metric.Text(3));
        foreach (var (field, kind) in new[] { (5, "gauge"), (7, "sum") })
            foreach (var data in metric.Messages(field))
                foreach (var point in data.Messages(1))
                    Points.Enqueue(new OtlpPoint(name, unit, kind, Attributes(point, 7), point.Fixed64(6) is { } whole ? (long)whole : BitConverter.UInt64BitsToDouble(point.Fixed64(4) ?? 0)));
        foreach (var data in metric.Messages(9))
            foreach (var point in data.Messages(1))
                Points.Enqueue(new OtlpPoint(name, unit, "histogram", Attributes(point, 9), point.Fixed64(4) ?? 0));
    }

    /// <summary>KeyValue: 1 key, 2 AnyValue, of which 1 is a string and 3 an integer.</summary>
    private static Dictionary<string, string> Attributes(Protobuf owner, int field) => owner.Messages(field).ToDictionary(
        pair => pair.Text(1), pair => pair.Message(2) is var value && value.Has(3) ? $"{value.Varint(3)}" : value.Text(1));

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }
}

/// <summary>A protobuf message by field numbers (protobuf.dev, "Encoding").</summary>
internal sealed class Protobuf
{
    private readonly ILookup<int, (ulong Number, byte[] Bytes)> _fields;

    private Protobuf(ILookup<int, (ulong Number, byte[] Bytes)> fields) => _fields = fields;

    public static Protobuf Read(byte[] bytes)
    {
        var fields = new List<(int Field, ulong Number, byte[] Bytes)>();
        for (var at = 0; at < bytes.Length;)
        {
            var key = ReadVarint(bytes, ref at);
            var field = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    fields.Add((field, ReadVarint(bytes, ref at), []));
                    break;
                case 1:
                    fields.Add((field, BitConverter.ToUInt64(bytes, at), []));
                    at += 8;
                    break;
                case 2:
                    var length = (int)ReadVarint(bytes, ref at);
                    fields.Add((field, 0, bytes[at..(at + length)]));
                    at += length;
                    break;
                case 5:
                    fields.Add((field, BitConverter.ToUInt32(bytes, at), []));
                    at += 4;
                    break;
                default:
                    throw new FormatException($"Wire type {key & 7} at byte {at}.");
            }
        }
        return new Protobuf(fields.ToLookup(field => field.Field, field => (field.Number, field.Bytes)));
    }

    public bool Has(int field) => _fields.Contains(field);

    public IEnumerable<Protobuf> Messages(int field) => _fields[field].Select(value => Read(value.Bytes));

    public Protobuf Message(int field) => Messages(field).FirstOrDefault() ?? Read([]);

    public string Text(int field) => Encoding.UTF8.GetString(_fields[field].FirstOrDefault().Bytes ?? []);

    public ulong Varint(int field) => _fields[field].FirstOrDefault().Number;

    public ulong? Fixed64(int field) => Has(field) ? Varint(field) : null;

    private static ulong ReadVarint(byte[] bytes, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }
}
