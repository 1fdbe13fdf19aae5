using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Decoding;
using Matih.Sql;

namespace Matih.Engine.Tests.Decoding;

public sealed class JsonValueCasesTests
{
    public static TheoryData<string, string, string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, string, string>();
            foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Decoding", "json-values.cases")))
            {
                if (line.Length == 0 || line.StartsWith('#')) continue;
                var sides = line.Split(" ⇶ ");
                var parts = sides[0].Split('|', 3);
                cases.Add(parts[0].Trim(), parts[1].Trim(), parts[2][1..], sides[1]);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_value_has_its_declared_outcome(string column, string setting, string value, string outcome)
    {
        InputColumn input = column.StartsWith('$') ? new InputColumn.JsonScalar(column) : new InputColumn.SchemaField("a", Type(column));
        var settings = setting switch
        {
            "" => new JsonDecodeSettings(),
            "fail-on-missing-field" => new JsonDecodeSettings { FailOnMissingField = true },
            "ignore-parse-errors" => new JsonDecodeSettings { IgnoreParseErrors = true },
            "iso-8601" => new JsonDecodeSettings { TimestampStandard = TimestampStandard.Iso8601 },
            _ => throw new ArgumentException(setting),
        };
        using var decoder = new JsonRecordDecoder([input, new InputColumn.Metadata(RecordMetadata.Offset, new DataType.BigInt())], settings, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add("""{"a":null}"""u8.ToArray(), offset: 1);
        batch.Add(Bytes(value), offset: 2);

        var rows = Decoded.Rows(decoder, batch);

        Assert.Equal(outcome.Replace('⏎', '\n'), rows[1].EndsWith(" | 2", StringComparison.Ordinal) ? rows[1][..^4] : rows[1]);
    }

    private static DataType Type(string text) =>
        DataTypeSyntax.TryParse(text, out var type, out var error) ? type : throw new ArgumentException(error.ToString());

    /// <summary>The text with the bytes between ⟨ and ⟩ put in.</summary>
    private static byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length;)
        {
            var open = text.IndexOf('⟨', i);
            bytes.AddRange(Encoding.UTF8.GetBytes(open < 0 ? text[i..] : text[i..open]));
            if (open < 0) break;
            var close = text.IndexOf('⟩', open);
            foreach (var hex in text[(open + 1)..close].Split(' ')) bytes.Add(byte.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            i = close + 1;
        }
        return [.. bytes];
    }
}
