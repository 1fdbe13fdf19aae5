using System.Numerics;
using Matih.Batches;
using Matih.Sql;
using Matih.Sql.Values;

namespace Matih.Engine.Tests.Sql;

public sealed class QueryFuzzTests
{
    private static readonly string[] Pieces =
    [
        "SELECT", "FROM", "WHERE", "AS", "AND", "OR", "NOT", "NULL", "IS", "IN", "LIKE", "ESCAPE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "END", "CAST", "TRY_CAST",
        "JSON_VALUE", "COALESCE", "ABS", "ROUND", "IF", "(", ")", "(", ")", ",", "+", "-", "*", "/", "%", "||", "=", "<>", "<", ".", "[", "]", "'x'", "'", "`", "1", "2.5", "1e3", "99999999999999999999",
        "id", "name", "price", "at", "events", "{{ input }}", "{{", "headers", "TIMESTAMP", "DATE", "INTERVAL", "'2024-01-01'", "DAY", "INT", "STRING", "DECIMAL", "TRUE", "UNKNOWN", "DISTINCT", "--", "/*", "\n", "X'41'", "U&'\\0041'", "_x", ";",
    ];

    private static readonly string[] Sound =
    [
        "SELECT id, CAST(name AS DECIMAL(10, 2)) + price AS p FROM {{ input }} WHERE name LIKE 'a%' ESCAPE '!' AND id BETWEEN 1 AND 5",
        "SELECT CASE WHEN id > 1 THEN name ELSE 'x' || name END AS c, JSON_VALUE(name, 'lax $.a' RETURNING INTEGER DEFAULT 5 ON EMPTY) AS j FROM events AS e",
        "SELECT COALESCE(NULLIF(id, 3), ROUND(price, 1), 2.5) AS n, at IS NOT DISTINCT FROM TIMESTAMP '2024-01-01 00:00:00' FROM events WHERE headers['h'] IS NULL",
    ];

    /// <summary>Whatever is written, the compiler answers with a query or with errors inside the text.</summary>
    [Fact]
    public void Damaged_statements_get_an_answer_and_never_an_exception()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        Assert.True(DataTypeSyntax.TryParseColumns("id INT NOT NULL, name STRING, price DECIMAL(10, 2), at TIMESTAMP(3)", out var schema, out _));
        var input = new QueryInput("events", schema, true, InputFormat.Json);
        for (var round = 0; round < 4000; round++)
        {
            var sql = round % 2 == 0 ? RandomWords(random) : Damage(random, Sound[random.Next(Sound.Length)]);
            try
            {
                var compilation = QueryCompiler.Compile(sql, input, QuerySettings.Default);

                Assert.Equal(compilation.Query is null, compilation.Errors.Length > 0);
                Assert.All(compilation.Errors, error => Assert.InRange(error.Offset, 0, sql.Length));
                compilation.Query?.CreateExecutor(TimeProvider.System, MemoryAccount.Unlimited()).Dispose();
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, round {round}: {sql}\n{exception}");
            }
        }
    }

    private static string RandomWords(Random random) =>
        "SELECT " + string.Join(random.Next(8) == 0 ? "" : " ", Enumerable.Range(0, random.Next(1, 25)).Select(_ => Pieces[random.Next(Pieces.Length)]));

    private static string Damage(Random random, string sql)
    {
        var words = sql.Split(' ').ToList();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(words.Count);
            switch (random.Next(4))
            {
                case 0: words.RemoveAt(at); break;
                case 1: words.Insert(at, Pieces[random.Next(Pieces.Length)]); break;
                case 2: words[at] = Pieces[random.Next(Pieces.Length)]; break;
                default: words[at] = words[at].Length > 1 ? words[at].Remove(random.Next(words[at].Length), 1) : "NULL"; break;
            }
        }
        return string.Join(' ', words);
    }

    /// <summary>Decimal arithmetic against exact fractions, rounded once for sums and products, twice (38 digits, then the scale) for quotients.</summary>
    [Fact]
    public void Decimals_are_exact_and_rounded_half_away_from_zero()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 20000; round++)
        {
            var (left, leftScale) = RandomDecimal(random);
            var (right, rightScale) = RandomDecimal(random);
            var scale = random.Next(0, 20);
            var precision = random.Next(Math.Max(1, scale), 39);

            Check("+", DecimalMath.TryAdd(left, leftScale, right, rightScale, precision, scale, out var sum), sum,
                Round((BigInteger)left * Ten(rightScale) + (BigInteger)right * Ten(leftScale), Ten(leftScale + rightScale), scale));
            Check("*", DecimalMath.TryMultiply(left, leftScale, right, rightScale, precision, scale, out var product), product,
                Round((BigInteger)left * right, Ten(leftScale + rightScale), scale));
            if (right != 0)
                Check("/", DecimalMath.TryDivide(left, leftScale, right, rightScale, precision, scale, out var quotient), quotient,
                    RoundTwice((BigInteger)left * Ten(rightScale), (BigInteger)right * Ten(leftScale), scale));

            void Check(string what, bool fits, Int128 found, BigInteger expected) => Assert.True(
                fits == (BigInteger.Abs(expected) < Ten(precision)) && (!fits || found == (Int128)expected),
                $"seed {seed}, round {round}: {left}e-{leftScale} {what} {right}e-{rightScale} as DECIMAL({precision}, {scale}): {(fits ? found : "overflow")}, expected {expected}");
        }
    }

    private static (Int128 Value, int Scale) RandomDecimal(Random random)
    {
        var digits = random.Next(1, 39);
        Int128 value = 0;
        for (var i = 0; i < digits; i++) value = value * 10 + random.Next(4) switch { 0 => 9, 1 => 0, 2 => 5, _ => random.Next(10) };
        return (random.Next(2) == 0 ? value : -value, random.Next(0, Math.Min(20, digits) + 1));
    }

    private static BigInteger Ten(int exponent) => BigInteger.Pow(10, exponent);

    private static BigInteger Round(BigInteger numerator, BigInteger denominator, int scale)
    {
        numerator *= Ten(scale);
        var negative = numerator.Sign * denominator.Sign < 0;
        var (quotient, rest) = BigInteger.DivRem(BigInteger.Abs(numerator), BigInteger.Abs(denominator));
        if (rest * 2 >= BigInteger.Abs(denominator)) quotient++;
        return negative ? -quotient : quotient;
    }

    private static BigInteger RoundTwice(BigInteger numerator, BigInteger denominator, int scale)
    {
        if (numerator.IsZero) return 0;
        // The scale at which the quotient has 38 digits.
        var first = -60;
        while (BigInteger.Abs(numerator) * Ten(Math.Max(0, first + 1)) / (BigInteger.Abs(denominator) * Ten(Math.Max(0, -first - 1))) < Ten(38)) first++;
        if (first < 0) return Round(numerator, denominator, scale);
        var rounded = Round(numerator, denominator, first);
        return Round(rounded, Ten(first), scale);
    }
}
