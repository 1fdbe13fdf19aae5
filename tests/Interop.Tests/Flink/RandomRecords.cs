using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>Random JSON members for columns, and whole records.</summary>
internal sealed class RandomRecords(Random random)
{
    /// <summary>Types of schema columns with what their expressions are.</summary>
    public static readonly (string Type, SqlKind Kind)[] Types =
    [
        ("BOOLEAN", SqlKind.Bool), ("TINYINT", SqlKind.Int), ("SMALLINT", SqlKind.Int), ("INT", SqlKind.Int), ("BIGINT", SqlKind.Long), ("DOUBLE", SqlKind.Double), ("FLOAT", SqlKind.Other),
        ("DECIMAL(12, 3)", SqlKind.Decimal), ("DECIMAL(38, 6)", SqlKind.Decimal), ("STRING", SqlKind.Text), ("VARCHAR(20)", SqlKind.Text), ("BYTES", SqlKind.Other), ("DATE", SqlKind.Date), ("TIME", SqlKind.Other),
        ("TIMESTAMP(3)", SqlKind.Timestamp), ("TIMESTAMP(6)", SqlKind.Timestamp), ("TIMESTAMP_LTZ(3)", SqlKind.Instant),
    ];

    private static readonly string[] Texts =
    [
        "", " ", "a", "Ab c", "ß", "İstanbul", "日本語", "😀x", "it's", "say \"q\"", "\\", "%_", "a,b,c", "12", "-7", "1.50", "1e3", "true", "No", "2026-05-01", "2026-05-01 12:34:56", "2026-05-01T12:34:56.789", "NaN", "null", "x\ty", "line\nfeed",
        "e\u0301", "{\"k\":1,\"n\":{\"x\":\"y\"}}", "{\"k\":\"abc\",\"a\":[\"z\",2]}", "[1,2]", "{\"k\":1.25}", "{\"k\":null}", "{k", "2147483648", "9223372036854775808", " 5 ", "0", "abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    ];

    private static readonly string[] NoDocuments = ["not json", "{", "{\"c0\":}", "'x'", "{\"c0\" 1}", "[1,"];

    private static readonly string[] OtherDocuments = ["null", "true", "12", "\"text\"", "[1,{\"k\":2}]", "{}"];

    public string Text() => random.Next(4) == 0 ? $"w{random.Next(40)}" : Pick(Texts);

    /// <summary>A member's value that fits the column.</summary>
    public string Value(string type, bool isIso) => type switch
    {
        "BOOLEAN" => Pick(["true", "false", "\"true\"", "\"FALSE\""]),
        "TINYINT" => Whole(sbyte.MinValue, sbyte.MaxValue),
        "SMALLINT" => Whole(short.MinValue, short.MaxValue),
        "INT" => Whole(int.MinValue, int.MaxValue),
        "BIGINT" => Whole(long.MinValue, long.MaxValue),
        "DOUBLE" => Pick(["0", "-0.0", "1.5", "0.1", "-2.75", "100", "1e10", "123456.789", "1e-5", "3", "1e308", "2e-3", "\"7.25\"", "12345678.9"]),
        "FLOAT" => Pick(["0", "1.5", "-0.25", "100", "1e10", "0.1", "3"]),
        "DECIMAL(12, 3)" => Pick(["0", "1.5", "-0.001", "999999999.999", "-999999999.999", "12.3456", "12.3455", "\"7.25\"", "100", "0.0005"]),
        "DECIMAL(38, 6)" => Pick(["0", "1.5", "-0.000001", "12345678901234567890123456789012.123456", "\"99.99\"", "42"]),
        "BYTES" => Pick(["\"\"", "\"AAEC\"", "\"/w==\"", "\"aGVsbG8=\""]),
        "DATE" => Quoted(Moment().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        "TIME" => Quoted(Moment().ToString("HH:mm:ss", CultureInfo.InvariantCulture)),
        "TIMESTAMP_LTZ(3)" => Quoted(Moment().ToString((isIso ? "yyyy-MM-ddTHH:mm:ss" : "yyyy-MM-dd HH:mm:ss") + Pick(["", ".fff", ".f"]), CultureInfo.InvariantCulture) + "Z"),
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => Quoted(Moment().ToString((isIso ? "yyyy-MM-ddTHH:mm:ss" : "yyyy-MM-dd HH:mm:ss") + Pick(["", ".fff", ".ffffff"]), CultureInfo.InvariantCulture)),
        _ => random.Next(6) == 0 ? Pick(["12", "-1.5", "true", "{\"k\":1}", "[1,\"a\"]"]) : Quoted(Text()),
    };

    /// <summary>A value that fits some column or none. No object or array: Flink loses the columns behind one that does not fit.</summary>
    public string Wrong(string type) => type == "BOOLEAN" ? Pick(["\"abc\"", "1", "0", "\"\""]) : Pick(["\"abc\"", "true", "1.5", "\"\"", "\" 5 \"", "\"2026-05-01\"", "300", "\"12:00:00\"", "99999999999"]);

    /// <summary>A document without a schema: the members that <see cref="DocumentOperands"/> looks for, often of another type.</summary>
    public string Document()
    {
        if (random.Next(20) == 0) return Pick(OtherDocuments);
        var members = new List<string>();
        Add("i", () => Value("INT", false));
        Add("l", () => Value("BIGINT", false));
        Add("d", () => Value("DOUBLE", false));
        Add("t", () => Quoted(Text()));
        Add("u", () => Quoted(Text()));
        Add("b", () => Pick(["true", "false"]));
        Add("ts", () => Value("TIMESTAMP(3)", false));
        Add("n", () => $"{{\"x\":{Quoted(Text())},\"y\":{{\"z\":{Value("INT", false)}}}}}");
        Add("a", () => $"[{Value("INT", false)},{Quoted(Text())}]");
        if (random.Next(5) == 0) members.Insert(random.Next(members.Count + 1), $"\"more\":{Quoted(Text())}");
        return Joined(members);

        void Add(string name, Func<string> value)
        {
            if (random.Next(8) == 0) return;
            members.Add($"\"{name}\":{(random.Next(10) switch { 0 => "null", 1 => Pick(["12", "\"abc\"", "{\"k\":1}", "[]", "1.50", "true", "\"\""]), _ => value() })}");
        }
    }

    /// <summary>Paths of <see cref="Document"/> as a statement asks for them.</summary>
    public IEnumerable<SqlOperand> DocumentOperands()
    {
        yield return new("JSON_VALUE(`value`, '$.t')", SqlKind.Text);
        yield return new("JSON_VALUE(`value`, 'lax $.n.x' DEFAULT 'none' ON EMPTY)", SqlKind.Text);
        yield return new(Pick(["JSON_VALUE(`value`, '$.n.y.z')", "JSON_VALUE(`value`, '$.a[1]')", "JSON_VALUE(`value`, '$[''u'']')", "JSON_VALUE(`value`, '$.d')", "JSON_VALUE(`value`, '$.ts' NULL ON EMPTY)"]), SqlKind.Text);
        yield return new("TRY_CAST(JSON_VALUE(`value`, '$.i') AS INT)", SqlKind.Int);
        yield return new("TRY_CAST(JSON_VALUE(`value`, '$.l') AS BIGINT)", SqlKind.Long);
        yield return new("TRY_CAST(JSON_VALUE(`value`, '$.d') AS DOUBLE)", SqlKind.Double);
        yield return new("TRY_CAST(JSON_VALUE(`value`, '$.b') AS BOOLEAN)", SqlKind.Bool);
    }

    public string NoDocument() => Pick(NoDocuments);

    /// <summary>An object of these members, sometimes with blanks between its tokens.</summary>
    public string Joined(IEnumerable<string> members) => random.Next(4) == 0 ? $"{{ {string.Join(" , ", members)} }}" : $"{{{string.Join(',', members)}}}";

    /// <summary>A record around the value: key, partition, time and a header.</summary>
    public KafkaRecord Record(string? value, int partitions) => new(
        random.Next(3) == 0 ? null : Encoding.UTF8.GetBytes(Text()),
        value is null ? null : Encoding.UTF8.GetBytes(value),
        random.Next(partitions),
        new DateTimeOffset(Moment(), TimeSpan.Zero).ToUnixTimeMilliseconds(),
        random.Next(3) == 0 ? [("h", Encoding.UTF8.GetBytes(Text()))] : null);

    /// <summary>JSON text of a string, escaped or as it is.</summary>
    public string Quoted(string text) => random.Next(3) == 0 ? JsonSerializer.Serialize(text) : JsonSerializer.Serialize(text, Relaxed);

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>From 1990 on, as of times before 1970 Flink makes something else in several functions; and past, as a broker refuses records of the future.</summary>
    private DateTime Moment() => new DateTime(1990, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMicroseconds(random.NextInt64(36L * 365 * 86400 * 1_000_000));

    private string Whole(long least, long most)
    {
        var number = random.Next(8) switch { 0 => least, 1 => most, 2 => 0, 3 => -1, 4 => 1, _ => random.Next(-100, 101) };
        var text = number.ToString(CultureInfo.InvariantCulture);
        return random.Next(10) == 0 ? $"\"{text}\"" : text;
    }

    private T Pick<T>(IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];
}
