using Matih.Sql.Expressions;


namespace Matih.Sql.Functions;

/// <summary>
/// A function that SQL can call by name. <paramref name="Bind"/> is its type rule: it checks the arguments and says what
/// computes the call, mostly <see cref="FunctionCall.Apply"/> of a <see cref="Kernel"/>.
/// </summary>
/// <remarks>To add one: write it down in the <c>All</c> list of the file of its subject; nothing else needs to know it.</remarks>
internal sealed record ScalarFunction(string Name, Func<FunctionCall, Expression> Bind);
