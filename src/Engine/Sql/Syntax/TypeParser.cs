using System.Collections.Immutable;
using System.Globalization;
using Matih.Batches;

namespace Matih.Sql.Syntax;

/// <summary>
/// Reads a type in Flink's words, synonyms included. Types that no column can hold (nested ones, TIMESTAMP above
/// precision 6) are read as well: who uses the type refuses it.
/// </summary>
/// <remarks>Source: Apache Flink 1.20, "Data Types".</remarks>
internal sealed class TypeParser(TokenReader tokens)
{
    private const int DepthMax = 32;
    private int _depth;

    /// <summary>Reads a column's type or an element's, which may say NULL or NOT NULL.</summary>
    public DataType Parse() => Parse(takesNullability: true);

    /// <summary>
    /// Reads the type of CAST … AS or of RETURNING. Flink knows no NULL and NOT NULL there: after RETURNING the word NULL begins
    /// what JSON_VALUE does ON EMPTY or ON ERROR.
    /// </summary>
    public DataType ParseTarget() => Parse(takesNullability: false);

    private DataType Parse(bool takesNullability)
    {
        if (++_depth > DepthMax) throw SqlErrorException.Wrong(tokens.Current.Offset, $"Types nest at most {DepthMax} deep.");
        var type = ParseName();
        while (true)
        {
            if (takesNullability) type = ParseNullability(type);
            if (tokens.TryTakeWords("ARRAY")) type = new DataType.Array(type);
            else if (tokens.IsWord("MULTISET")) throw SqlErrorException.Unsupported(tokens.Current.Offset, "MULTISET");
            else break;
        }
        _depth--;
        return type;
    }

    private DataType ParseNullability(DataType type)
    {
        if (tokens.TryTakeWords("NOT", "NULL")) return type.NotNull();
        tokens.TryTakeWords("NULL");
        return type;
    }

    private DataType ParseName()
    {
        var word = tokens.Current;
        if (word.Kind != TokenKind.Word) throw SqlErrorException.Wrong(word.Offset, $"Expected a type, found {word.Describe()}.");
        tokens.Take();
        switch (word.Text.ToUpperInvariant())
        {
            case "BOOLEAN": return new DataType.Boolean();
            case "TINYINT": return new DataType.TinyInt();
            case "SMALLINT": return new DataType.SmallInt();
            case "INT" or "INTEGER": return new DataType.Int();
            case "BIGINT": return new DataType.BigInt();
            case "FLOAT": return new DataType.Float();
            case "DOUBLE":
                tokens.TryTakeWords("PRECISION");
                return new DataType.Double();
            case "DECIMAL" or "DEC" or "NUMERIC": return ParseDecimal(word);
            case "CHAR" or "CHARACTER":
                return tokens.TryTakeWords("VARYING")
                    ? new DataType.Varchar(ParseLength(1))
                    : new DataType.Char(ParseLength(1));
            case "VARCHAR": return new DataType.Varchar(ParseLength(1));
            case "STRING": return DataType.String;
            case "BINARY":
                return tokens.TryTakeWords("VARYING")
                    ? new DataType.Varbinary(ParseLength(1))
                    : new DataType.Binary(ParseLength(1));
            case "VARBINARY": return new DataType.Varbinary(ParseLength(1));
            case "BYTES": return DataType.Bytes;
            case "DATE": return new DataType.Date();
            case "TIME":
                var timePrecision = ParsePrecision(0);
                tokens.TryTakeWords("WITHOUT", "TIME", "ZONE");
                return new DataType.Time(timePrecision);
            case "TIMESTAMP": return ParseTimestamp();
            case "TIMESTAMP_LTZ": return new DataType.TimestampLtz(ParsePrecision(6));
            case "ARRAY": return ParseArray();
            case "MAP": return ParseMap();
            case "ROW": return ParseRow();
            case "INTERVAL": return ParseInterval();
            case "MULTISET" or "RAW" or "REAL" or "VARIANT" or "STRUCTURED":
                throw SqlErrorException.Unsupported(word.Offset, $"The type {word.Text.ToUpperInvariant()}");
            default:
                throw SqlErrorException.Wrong(word.Offset, $"'{word.Text}' is no type{TypeNames.Suggest(word.Text)}");
        }
    }

    private DataType ParseTimestamp()
    {
        var precision = ParsePrecision(6);
        if (tokens.TryTakeWords("WITH", "LOCAL", "TIME", "ZONE")) return new DataType.TimestampLtz(precision);
        if (tokens.AreWords("WITH", "TIME", "ZONE"))
            throw SqlErrorException.Wrong(tokens.Current.Offset, "TIMESTAMP WITH TIME ZONE is unknown to Flink's connectors; use TIMESTAMP_LTZ or TIMESTAMP.");
        tokens.TryTakeWords("WITHOUT", "TIME", "ZONE");
        return new DataType.Timestamp(precision);
    }

    private DataType ParseDecimal(Token word)
    {
        if (!tokens.TryTakeSymbol("(")) return new DataType.Decimal(10, 0);
        var precision = ParseNumber(word.Text, 1, DataType.Decimal.PrecisionMax, "precision");
        var scale = 0;
        if (tokens.TryTakeSymbol(",")) scale = ParseNumber(word.Text, 0, precision, "scale");
        tokens.ExpectSymbol(")", "the scale");
        return new DataType.Decimal(precision, scale);
    }

    private int ParseLength(int otherwise)
    {
        if (!tokens.TryTakeSymbol("(")) return otherwise;
        var length = ParseNumber("the type", 1, int.MaxValue, "length");
        tokens.ExpectSymbol(")", "the length");
        return length;
    }

    private int ParsePrecision(int otherwise)
    {
        if (!tokens.TryTakeSymbol("(")) return otherwise;
        var precision = ParseNumber("the type", 0, 9, "precision");
        tokens.ExpectSymbol(")", "the precision");
        return precision;
    }

    private int ParseNumber(string of, int min, int max, string what)
    {
        var token = tokens.Expect(TokenKind.Number, $"the {what}", "'('");
        if (int.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max) return value;
        throw SqlErrorException.Wrong(token.Offset, $"The {what} of {of} must be {min} to {max}, found {token.Text}.");
    }

    private DataType ParseArray()
    {
        tokens.ExpectSymbol("<", "ARRAY");
        var element = Parse();
        CloseAngle("the element type");
        return new DataType.Array(element);
    }

    private DataType ParseMap()
    {
        tokens.ExpectSymbol("<", "MAP");
        var key = Parse();
        tokens.ExpectSymbol(",", "the key type");
        var value = Parse();
        CloseAngle("the value type");
        return new DataType.Map(key, value);
    }

    private DataType ParseRow()
    {
        var isAngle = !tokens.Current.IsSymbol("(");
        if (isAngle && tokens.TryTakeSymbol("<>")) return new DataType.Row(new RowType([]));
        tokens.ExpectSymbol(isAngle ? "<" : "(", "ROW");
        var fields = ImmutableArray.CreateBuilder<Field>();
        do
        {
            var name = TakeName("a field name", fields.Count == 0 ? "ROW" : "','");
            if (fields.Any(field => field.Name == name.Text)) throw SqlErrorException.Wrong(name.Offset, $"ROW has two fields `{name.Text}`.");
            fields.Add(new Field(name.Text, Parse()));
            if (tokens.Current.Kind == TokenKind.String) tokens.Take();
        }
        while (tokens.TryTakeSymbol(","));
        if (isAngle) CloseAngle("the last field");
        else tokens.ExpectSymbol(")", "the last field");
        return new DataType.Row(new RowType(fields.ToImmutable()));
    }

    public Token TakeName(string what, string after) =>
        tokens.Current.Kind is TokenKind.Word or TokenKind.QuotedName ? tokens.Take() : throw tokens.Expected(what, after);

    // The lexer makes no '>>', so closing two nested types needs nothing special.
    private void CloseAngle(string after) => tokens.ExpectSymbol(">", after);

    private DataType ParseInterval()
    {
        var from = tokens.Take();
        SkipPrecision();
        var to = from;
        if (tokens.TryTakeWords("TO"))
        {
            to = tokens.Take();
            SkipPrecision();
        }
        return (from.Text.ToUpperInvariant(), to.Text.ToUpperInvariant()) switch
        {
            ("YEAR" or "MONTH", "YEAR" or "MONTH") => new DataType.YearMonthInterval(),
            ("DAY" or "HOUR" or "MINUTE" or "SECOND", "DAY" or "HOUR" or "MINUTE" or "SECOND") => new DataType.DayTimeInterval(),
            _ => throw SqlErrorException.Wrong(from.Offset, $"'{from.Text}' starts no interval type; it is YEAR TO MONTH or DAY TO SECOND."),
        };
    }

    private void SkipPrecision()
    {
        if (tokens.TryTakeSymbol("("))
        {
            ParseNumber("the interval", 0, 10, "precision");
            tokens.ExpectSymbol(")", "the precision");
        }
    }
}
