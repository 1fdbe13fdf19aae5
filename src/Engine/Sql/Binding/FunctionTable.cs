using System.Collections.Frozen;
using Matih.Sql.Conditions;
using Matih.Sql.Functions;
using Matih.Sql.Nested;
using Matih.Sql.Numbers;
using Matih.Sql.Strings;
using Matih.Sql.Temporal;

namespace Matih.Sql.Binding;

/// <summary>All functions by name.</summary>
internal static class FunctionTable
{
    private static readonly FrozenDictionary<string, ScalarFunction> Functions = new[]
    {
        ConditionalFunctions.All,
        MathFunctions.All,
        TextFunctions.All,
        TextCase.All,
        TextSlices.All,
        TextSearch.All,
        TextFilling.All,
        TextDigests.All,
        TextKinds.All,
        CharacterSets.All,
        UrlFunctions.All,
        JsonConstructors.All,
        RegularExpressions.All,
        TimeFields.All,
        TimeArithmetic.All,
        TimeText.All,
        ClockFunctions.All,
        ArrayFunctions.All,
        MapFunctions.All,
    }.SelectMany(functions => functions).ToFrozenDictionary(function => function.Name, StringComparer.OrdinalIgnoreCase);

    public static ScalarFunction? Find(string name) => Functions.GetValueOrDefault(name);

    public static IEnumerable<string> Names => Functions.Keys.Order(StringComparer.Ordinal);
}
