namespace Matih.Sql;

/// <summary>FLOOR and CEIL of dates and times to a unit.</summary>
internal static class TimeRounding
{
    public static Expression Bind(FunctionCall call, bool isUp) => throw call.Unsupported($"{(isUp ? "CEIL" : "FLOOR")} … TO {call.Keyword(1)}");
}
