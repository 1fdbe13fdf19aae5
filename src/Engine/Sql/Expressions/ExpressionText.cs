using System.Text;

namespace Matih.Sql.Expressions;

/// <summary>Prints expressions for plans and tests.</summary>
internal static class ExpressionText
{
    // Inlining a chain of transformations can make a tree of one object that repeats; a plan does not have to print it all.
    private const int LengthMax = 2000;

    public static string Of(Expression expression)
    {
        var text = new StringBuilder();
        Write(text, expression);
        if (text.Length > LengthMax) text.Length = LengthMax;
        return text.ToString();
    }

    private static void Write(StringBuilder text, Expression expression)
    {
        if (text.Length > LengthMax) return;
        switch (expression)
        {
            case Expression.Input input: text.Append(input.Source.Name); break;
            case Expression.Element element: text.Append("element ").Append(element.Unnest); break;
            case Expression.Literal literal: text.Append(literal.Value); break;
            case Expression.Apply { Kernel.Name: "CAST" or "TRY_CAST" } cast:
                text.Append(cast.Kernel.Name).Append('(');
                Write(text, cast.Arguments[0]);
                text.Append(" AS ").Append(cast.Type.Name).Append(')');
                break;
            case Expression.Apply apply:
                text.Append(apply.Kernel.Name).Append('(');
                WriteList(text, apply.Arguments, ", ");
                text.Append(')');
                break;
            case Expression.Retype retype:
                text.Append("CAST(");
                Write(text, retype.Operand);
                text.Append(" AS ").Append(retype.Type.Name).Append(')');
                break;
            case Expression.Junction junction:
                text.Append('(');
                WriteList(text, junction.Operands, junction.IsAnd ? " AND " : " OR ");
                text.Append(')');
                break;
            case Expression.Choice choice:
                text.Append("CASE");
                foreach (var (when, then) in choice.Branches)
                {
                    text.Append(" WHEN ");
                    Write(text, when);
                    text.Append(" THEN ");
                    Write(text, then);
                }
                text.Append(" ELSE ");
                Write(text, choice.Otherwise);
                text.Append(" END");
                break;
            case Expression.FieldOf access:
                Write(text, access.Operand);
                text.Append('.').Append(access.Name);
                break;
            case Expression.Json json:
                text.Append(json.Question.Name).Append('(');
                Write(text, json.Document);
                text.Append(", '").Append(json.Question.Path.Replace("'", "''", StringComparison.Ordinal)).Append('\'').Append(json.Question.Clauses);
                text.Append(')');
                break;
        }
    }

    private static void WriteList(StringBuilder text, IEnumerable<Expression> expressions, string separator)
    {
        var isFirst = true;
        foreach (var expression in expressions)
        {
            if (!isFirst) text.Append(separator);
            isFirst = false;
            Write(text, expression);
        }
    }
}
