namespace Matih.Interop.Tests.Flink;

/// <summary>What an expression gives, as far as it matters for what can be made of it.</summary>
internal enum SqlKind
{
    Bool,
    Int,
    Long,
    Double,
    Decimal,
    Text,
    Timestamp,
    Instant,
    Date,

    /// <summary>FLOAT, TIME and BYTES: handed on as they are.</summary>
    Other,
}

/// <summary>Something that a statement can name: a column, or a path into a document.</summary>
/// <param name="Sql">How a statement writes it.</param>
internal sealed record SqlOperand(string Sql, SqlKind Kind);

/// <summary>
/// Random expressions over some columns, of functions that <c>docs/sql.md</c> lists, which fail for no row: where a run of this engine
/// rejects a row, Flink's job fails. Every operation has a column below it, as Flink's planner folds constants by rules of its own; and
/// what <c>docs/sql.md</c> names as different is left out.
/// </summary>
internal sealed class RandomSql(Random random, IReadOnlyList<SqlOperand> operands)
{
    private static readonly string[] Units = ["SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR"];

    private static readonly string[] Texts = ["''", "' '", "'a'", "'it''s'", "'ß'", "'日本'", "'12'", "'%'", "'x,y'", "'\"'"];

    private static readonly string[] Paths = ["'$.k'", "'lax $.k'", "'$.n.x'", "'$[1]'", "'lax $.a[0]'", "'strict $.k'"];

    public string Of(SqlKind kind, int depth) => depth <= 0 ? Leaf(kind) : kind switch
    {
        SqlKind.Bool => Bool(depth - 1),
        SqlKind.Int => Int(depth - 1),
        SqlKind.Long => Long(depth - 1),
        SqlKind.Double => Double(depth - 1),
        SqlKind.Decimal => Decimal(depth - 1),
        SqlKind.Text => Text(depth - 1),
        SqlKind.Timestamp => Timestamp(depth - 1),
        SqlKind.Instant => Instant(depth - 1),
        SqlKind.Date => Date(depth - 1),
        _ => Leaf(kind),
    };

    /// <summary>
    /// A value out of a document that has it in the right type, as nothing converts another. Nothing is made of it: Flink's code for a
    /// cast of it does not compile.
    /// </summary>
    public string Returned()
    {
        var (text, type) = random.Next(3) switch
        {
            0 => ($"CAST({Of(SqlKind.Int, random.Next(2))} AS STRING)", "INTEGER"),
            1 => ($"CAST({Of(SqlKind.Int, random.Next(2))} AS STRING) || '.5'", "DOUBLE"),
            _ => ($"LOWER(CAST({Of(SqlKind.Bool, random.Next(2))} AS STRING))", "BOOLEAN"),
        };
        return $"JSON_VALUE('{{\"k\":' || {text} || '}}', {Pick(["'$.k'", "'lax $.k'", "'lax $.m'"])} RETURNING {type}{Pick(["", " NULL ON EMPTY NULL ON ERROR"])})";
    }

    /// <summary>A column of that kind, or one of another made into it.</summary>
    private string Leaf(SqlKind kind)
    {
        var own = operands.Where(operand => operand.Kind == kind).ToList();
        if (own.Count != 0) return Pick(own).Sql;
        return kind switch
        {
            SqlKind.Bool => $"({Leaf(SqlKind.Text)} LIKE '%a%')",
            SqlKind.Int => $"CHAR_LENGTH({Leaf(SqlKind.Text)})",
            SqlKind.Long => $"CAST({Leaf(SqlKind.Int)} AS BIGINT)",
            SqlKind.Double => $"CAST({Leaf(SqlKind.Int)} AS DOUBLE)",
            SqlKind.Decimal => $"CAST({Leaf(SqlKind.Int)} AS DECIMAL(14, 3))",
            SqlKind.Timestamp => $"TO_TIMESTAMP({Leaf(SqlKind.Text)})",
            SqlKind.Instant => $"TO_TIMESTAMP_LTZ(1000000000000 + ABS(MOD({Leaf(SqlKind.Long)}, 3000000000000)), 3)",
            SqlKind.Date => $"CAST({Leaf(SqlKind.Timestamp)} AS DATE)",
            SqlKind.Other => $"CAST({Leaf(SqlKind.Timestamp)} AS TIME)",
            _ => throw new InvalidOperationException("There is no text to make something of."),
        };
    }

    private string Bool(int depth) => random.Next(16) switch
    {
        0 => $"({Of(SqlKind.Bool, depth)} AND {Of(SqlKind.Bool, depth)})",
        1 => $"({Of(SqlKind.Bool, depth)} OR {Of(SqlKind.Bool, depth)})",
        2 => $"NOT {Of(SqlKind.Bool, depth)}",
        3 => $"({Of(SqlKind.Bool, depth)} IS {Pick(["", "NOT "])}{Pick(["TRUE", "FALSE", "UNKNOWN"])})",
        4 => $"({Of(Any(), depth)} IS {Pick(["", "NOT "])}NULL)",
        5 => $"({Of(SqlKind.Text, depth)} {Pick(["", "NOT "])}LIKE {Pick(["'%a%'", "'_'", "'%'", "'A%'", "'%''%'", "'%ß%'", "'1!%%' ESCAPE '!'"])})",
        6 => $"({Of(SqlKind.Text, depth)} {Pick(["", "NOT "])}IN ({Pick(Texts)}, {Pick(Texts)}, 'Ab c'))",
        7 => $"({Of(SqlKind.Int, depth)} {Pick(["", "NOT "])}IN (0, 7, -1, {random.Next(100)}))",
        8 => $"({Of(SqlKind.Long, depth)} {Pick(["", "NOT "])}BETWEEN {Pick(["", "SYMMETRIC "])}{Of(SqlKind.Long, depth - 1)} AND {random.Next(-5, 200)})",
        9 => $"({Of(SqlKind.Text, depth)} IS {Pick(["", "NOT "])}JSON{Pick(["", " OBJECT", " ARRAY", " SCALAR", " VALUE"])})",
        10 => $"REGEXP({Of(SqlKind.Text, depth)}, {Pick(["'^[a-z]+'", "'[0-9]{2}'", "'a|b'", "'^$'", "'.x'"])})",
        11 => $"TRY_CAST({Of(SqlKind.Text, depth)} AS BOOLEAN)",
        12 => Compared($"IS {Pick(["", "NOT "])}DISTINCT FROM", Any(), depth),
        13 => Choice(SqlKind.Bool, depth),
        _ => Compared(Pick(["=", "<>", "<", "<=", ">", ">="]), Any(), depth),
    };

    /// <summary>Nothing is compared with itself, which Flink's planner takes for true although it may be NULL.</summary>
    private string Compared(string comparison, SqlKind kind, int depth)
    {
        var (left, right) = (Of(kind, depth), Of(kind, depth - 1));
        return left == right ? $"({left} IS NOT NULL)" : $"({left} {comparison} {right})";
    }

    /// <summary>An interval that brings no time of these records before 1970, where Flink counts in another way.</summary>
    private string Interval(IReadOnlyList<string> units)
    {
        var unit = Pick(units);
        return $"INTERVAL '{random.Next(1, unit == "YEAR" ? 4 : 30)}' {unit}";
    }

    private string Int(int depth) => random.Next(22) switch
    {
        0 => $"({Of(SqlKind.Int, depth)} {Pick(["+", "-", "*"])} {Of(SqlKind.Int, depth)})",
        1 => $"({Of(SqlKind.Int, depth)} {Pick(["+", "-", "*"])} {Pick(["1", "7", "2147483647"])})",
        2 => $"({Of(SqlKind.Int, depth)} {Pick(["/", "%"])} NULLIF({Of(SqlKind.Int, depth)}, 0))",
        3 => $"({Of(SqlKind.Int, depth)} {Pick(["/", "%"])} {Pick(["3", "-1", "10"])})",
        4 => $"MOD({Of(SqlKind.Int, depth)}, {Pick(["5", "-7"])})",
        5 => $"CHAR_LENGTH({Of(SqlKind.Text, depth)})",
        6 => $"TRY_CAST({Of(SqlKind.Text, depth)} AS {Pick(["INT", "SMALLINT", "TINYINT"])})",
        7 => $"POSITION({Pick(Texts)} IN {Of(SqlKind.Text, depth)})",
        8 => $"LOCATE({Pick(Texts)}, {Of(SqlKind.Text, depth)}, {Pick(["1", "2"])})",
        9 => $"INSTR({Of(SqlKind.Text, depth)}, {Pick(Texts)})",
        10 => $"ASCII({Of(SqlKind.Text, depth)})",
        11 => $"ABS({Of(SqlKind.Int, depth)})",
        12 => $"SIGN({Of(SqlKind.Int, depth)})",
        13 => $"(- {Of(SqlKind.Int, depth)})",
        14 => $"CAST({Of(Pick([SqlKind.Long, SqlKind.Double, SqlKind.Bool]), depth)} AS INT)",
        15 => $"CAST(EXTRACT(DAY FROM {Of(SqlKind.Timestamp, depth)}) AS INT)",
        16 => $"NULLIF({Of(SqlKind.Int, depth)}, {Of(SqlKind.Int, depth - 1)})",
        17 => $"{Pick(["GREATEST", "LEAST"])}({Of(SqlKind.Int, depth)}, {Of(SqlKind.Int, depth - 1)})",
        18 => $"TIMESTAMPDIFF({Pick(Units)}, {Of(SqlKind.Timestamp, depth)}, {Of(SqlKind.Timestamp, depth - 1)})",
        19 => $"CAST({Pick(["YEAR", "MONTH", "DAYOFMONTH", "DAYOFYEAR", "DAYOFWEEK", "QUARTER", "WEEK"])}({Of(SqlKind.Date, depth)}) AS INT)",
        _ => Choice(SqlKind.Int, depth),
    };

    private string Long(int depth) => random.Next(14) switch
    {
        0 => $"({Of(SqlKind.Long, depth)} {Pick(["+", "-", "*"])} {Of(SqlKind.Long, depth)})",
        1 => $"({Of(SqlKind.Long, depth)} {Pick(["/", "%"])} NULLIF({Of(SqlKind.Long, depth)}, 0))",
        2 => $"({Of(SqlKind.Long, depth)} {Pick(["+", "-", "*"])} {Of(SqlKind.Int, depth)})",
        3 => $"EXTRACT({Pick(["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "QUARTER", "DOW", "DOY", "WEEK"])} FROM {Of(SqlKind.Timestamp, depth)})",
        4 => $"CAST({Of(SqlKind.Int, depth)} AS BIGINT)",
        5 => $"TRY_CAST({Of(SqlKind.Text, depth)} AS BIGINT)",
        6 => $"CAST({Of(SqlKind.Double, depth)} AS BIGINT)",
        7 => $"ABS({Of(SqlKind.Long, depth)})",
        8 => $"MOD({Of(SqlKind.Long, depth)}, {Pick(["5", "1000"])})",
        9 => $"NULLIF({Of(SqlKind.Long, depth)}, {Of(SqlKind.Long, depth - 1)})",
        10 => $"UNIX_TIMESTAMP(DATE_FORMAT({Of(SqlKind.Timestamp, depth)}, 'yyyy-MM-dd HH:mm:ss'))",
        11 => $"CAST({Of(SqlKind.Decimal, depth)} AS BIGINT)",
        _ => Choice(SqlKind.Long, depth),
    };

    private string Double(int depth) => random.Next(15) switch
    {
        11 => $"{Pick(["SIN", "COS", "ATAN", "RADIANS", "DEGREES"])}({Of(SqlKind.Double, depth)})",
        12 => $"{Pick(["LN", "LOG10", "LOG2"])}(1.5e0 + ABS({Of(SqlKind.Double, depth)}))",
        0 => $"({Of(SqlKind.Double, depth)} {Pick(["+", "-", "*", "/"])} {Of(SqlKind.Double, depth)})",
        1 => $"({Of(SqlKind.Double, depth)} {Pick(["+", "-", "*", "/"])} {Pick(["2", "1.5e0", "3e-1"])})",
        2 => $"CAST({Of(Pick([SqlKind.Int, SqlKind.Long, SqlKind.Decimal]), depth)} AS DOUBLE)",
        3 => $"{Pick(["FLOOR", "CEIL", "ABS"])}({Of(SqlKind.Double, depth)})",
        4 => $"ROUND({Of(SqlKind.Double, depth)}{Pick(["", ", 2", ", 0", ", -1"])})",
        5 => $"SQRT({Of(SqlKind.Double, depth)})",
        6 => $"TRY_CAST({Of(SqlKind.Text, depth)} AS DOUBLE)",
        7 => $"POWER({Of(SqlKind.Double, depth)}, 2)",
        8 => $"RADIANS({Of(SqlKind.Double, depth)})",
        9 => $"(- {Of(SqlKind.Double, depth)})",
        10 => $"NULLIF({Of(SqlKind.Double, depth)}, {Of(SqlKind.Double, depth - 1)})",
        _ => Choice(SqlKind.Double, depth),
    };

    private string Decimal(int depth) => random.Next(11) switch
    {
        0 => $"({Of(SqlKind.Decimal, depth)} {Pick(["+", "-", "*"])} {Of(SqlKind.Decimal, depth)})",
        1 => $"({Of(SqlKind.Decimal, depth)} {Pick(["+", "-", "*", "/"])} {Pick(["1.5", "0.001", "12.34"])})",
        2 => $"({Of(SqlKind.Decimal, depth)} / NULLIF({Of(SqlKind.Decimal, depth)}, 0))",
        3 => $"{Pick(["FLOOR", "CEIL", "ABS", "SIGN"])}({Of(SqlKind.Decimal, depth)})",
        4 => $"ROUND({Of(SqlKind.Decimal, depth)}{Pick(["", ", 2", ", 0", ", -1"])})",
        5 => $"TRUNCATE({Of(SqlKind.Decimal, depth)}, {Pick(["1", "0"])})",
        6 => $"CAST({Of(SqlKind.Decimal, depth)} AS DECIMAL({Pick(["8, 1", "20, 6", "5, 2"])}))",
        7 => $"CAST({Of(Pick([SqlKind.Int, SqlKind.Long]), depth)} AS DECIMAL({Pick(["20, 2", "6, 1"])}))",
        8 => $"(- {Of(SqlKind.Decimal, depth)})",
        _ => Choice(SqlKind.Decimal, depth),
    };

    private string Text(int depth) => random.Next(28) switch
    {
        0 => $"({Of(SqlKind.Text, depth)} || {Of(SqlKind.Text, depth)})",
        1 => $"({Of(SqlKind.Text, depth)} || {Pick(Texts)})",
        2 => $"CAST({Of(Pick([SqlKind.Int, SqlKind.Long, SqlKind.Double, SqlKind.Decimal, SqlKind.Bool, SqlKind.Timestamp, SqlKind.Instant, SqlKind.Date]), depth)} AS STRING)",
        3 => $"{Pick(["UPPER", "LOWER", "INITCAP", "REVERSE", "LTRIM", "RTRIM", "TRIM"])}({Of(SqlKind.Text, depth)})",
        4 => $"TRIM({Pick(["BOTH", "LEADING", "TRAILING"])} {Pick(["' '", "'a'", "'ß'"])} FROM {Of(SqlKind.Text, depth)})",
        5 => $"SUBSTRING({Of(SqlKind.Text, depth)}, {Pick(["1", "2", "-2", "0", "5"])}{Pick(["", ", 2", ", 0", ", 100"])})",
        6 => $"SUBSTRING({Of(SqlKind.Text, depth)} FROM {Pick(["1", "2", "-3"])} FOR {Pick(["1", "3"])})",
        7 => $"{Pick(["LEFT", "RIGHT"])}({Of(SqlKind.Text, depth)}, {Pick(["0", "1", "3", "-1"])})",
        8 => $"REPLACE({Of(SqlKind.Text, depth)}, {Pick(["'a'", "'ß'", "' '"])}, {Pick(Texts)})",
        9 => $"{Pick(["LPAD", "RPAD"])}({Of(SqlKind.Text, depth)}, {Pick(["0", "3", "6"])}, {Pick(["'*'", "'xy'", "'日'"])})",
        10 => $"REPEAT({Of(SqlKind.Text, depth)}, {Pick(["0", "1", "3", "-1"])})",
        11 => $"OVERLAY({Of(SqlKind.Text, depth)} PLACING 'zz' FROM {Pick(["1", "2", "4"])}{Pick(["", " FOR 1"])})",
        12 => $"SPLIT_INDEX({Of(SqlKind.Text, depth)}, {Pick(["','", "' '", "'a'"])}, {Pick(["0", "1", "2"])})",
        13 => $"REGEXP_EXTRACT({Of(SqlKind.Text, depth)}, {Pick(["'([a-z]+)'", "'([0-9])([0-9]*)'"])}, {Pick(["0", "1"])})",
        14 => $"REGEXP_REPLACE({Of(SqlKind.Text, depth)}, {Pick(["'[aeiou]'", "'\\s+'", "'[0-9]+'"])}, {Pick(["''", "'_'"])})",
        15 => $"{Pick(["MD5", "SHA1", "SHA256", "TO_BASE64", "HEX"])}({Of(SqlKind.Text, depth)})",
        16 => $"DATE_FORMAT({Of(SqlKind.Timestamp, depth)}, {Pick(["'yyyy-MM-dd'", "'dd.MM.yyyy HH:mm:ss'", "'yyyyMMddHHmmssSSS'", "'hh:mm a'", "'EEE d MMM yyyy'"])})",
        17 => $"JSON_VALUE({Of(SqlKind.Text, depth)}, {Pick(Paths)}{Pick(["", " DEFAULT 'd' ON EMPTY", " NULL ON EMPTY DEFAULT 'e' ON ERROR"])})",
        18 => $"CONCAT({Of(SqlKind.Text, depth)}, {Pick(Texts)}, {Of(SqlKind.Text, depth - 1)})",
        19 => $"CONCAT_WS({Pick(["','", "''", "' - '"])}, {Of(SqlKind.Text, depth)}, {Of(SqlKind.Text, depth - 1)})",
        20 => $"CHR(ABS(MOD({Of(SqlKind.Int, depth)}, 256)))",
        21 => $"{Pick(["BIN", "HEX"])}({Of(Pick([SqlKind.Int, SqlKind.Long]), depth)})",
        22 => $"NULLIF({Of(SqlKind.Text, depth)}, {Pick(Texts)})",
        23 => $"FROM_UNIXTIME(1000000000 + ABS(MOD({Of(SqlKind.Long, depth)}, 3000000000)))",
        24 => $"CAST({Of(SqlKind.Text, depth)} AS {Pick(["VARCHAR(3)", "CHAR(4)", "VARCHAR(20)"])})",
        _ => Choice(SqlKind.Text, depth),
    };

    private string Timestamp(int depth) => random.Next(10) switch
    {
        0 => $"({Of(SqlKind.Timestamp, depth)} {Pick(["+", "-"])} {Interval(Units)})",
        1 => $"{Pick(["FLOOR", "CEIL"])}({Of(SqlKind.Timestamp, depth)} TO {Pick([.. Units, "WEEK", "QUARTER"])})",
        2 => $"TIMESTAMPADD({Pick(Units)}, MOD({Of(SqlKind.Int, depth)}, 4), {Of(SqlKind.Timestamp, depth)})",
        3 => $"TO_TIMESTAMP({Of(SqlKind.Text, depth)}{Pick(["", ", 'yyyy-MM-dd'", ", 'yyyy-MM-dd HH:mm'"])})",
        4 => $"CAST({Of(SqlKind.Date, depth)} AS TIMESTAMP(3))",
        5 => $"CAST({Of(SqlKind.Instant, depth)} AS TIMESTAMP(3))",
        6 => $"CAST({Of(SqlKind.Timestamp, depth)} AS TIMESTAMP({Pick(["0", "6"])}))",
        _ => Choice(SqlKind.Timestamp, depth),
    };

    private string Instant(int depth) => random.Next(4) switch
    {
        0 => $"({Of(SqlKind.Instant, depth)} {Pick(["+", "-"])} {Interval(["SECOND", "MINUTE", "HOUR", "DAY"])})",
        1 => $"TO_TIMESTAMP_LTZ(1000000000 + ABS(MOD({Of(SqlKind.Long, depth)}, 3000000000)), 0)",
        2 => $"CAST({Of(SqlKind.Timestamp, depth)} AS TIMESTAMP_LTZ(3))",
        _ => Choice(SqlKind.Instant, depth),
    };

    private string Date(int depth) => random.Next(4) switch
    {
        0 => $"CAST({Of(Pick([SqlKind.Timestamp, SqlKind.Instant]), depth)} AS DATE)",
        1 => $"({Of(SqlKind.Date, depth)} {Pick(["+", "-"])} {Interval(["DAY", "MONTH", "YEAR"])})",
        2 => $"{Pick(["FLOOR", "CEIL"])}({Of(SqlKind.Date, depth)} TO {Pick(["MONTH", "YEAR", "QUARTER", "WEEK"])})",
        _ => Choice(SqlKind.Date, depth),
    };

    private string Choice(SqlKind kind, int depth) => random.Next(5) switch
    {
        0 => $"CASE WHEN {Of(SqlKind.Bool, depth)} THEN {OfOneType(kind, depth)} WHEN {Of(SqlKind.Bool, depth - 1)} THEN {OfOneType(kind, depth - 1)}{(random.Next(2) == 0 ? "" : $" ELSE {OfOneType(kind, depth)}")} END",
        1 => $"COALESCE({OfOneType(kind, depth)}, {OfOneType(kind, depth)})",
        2 => $"IF({Of(SqlKind.Bool, depth)}, {OfOneType(kind, depth)}, {OfOneType(kind, depth)})",
        // Flink's planner fails on one of a condition that cannot be NULL.
        3 when kind != SqlKind.Bool => $"IFNULL({OfOneType(kind, depth)}, {OfOneType(kind, depth)})",
        _ => Of(kind, 0),
    };

    /// <summary>Decimals of different precision are not mixed here.</summary>
    private string OfOneType(SqlKind kind, int depth) => kind == SqlKind.Decimal ? $"CAST({Of(kind, depth)} AS DECIMAL(30, 6))" : Of(kind, depth);

    private SqlKind Any() => (SqlKind)random.Next((int)SqlKind.Other);

    private T Pick<T>(IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];
}
