using System.Reflection;

namespace Matih.Engine.Tests.Architecture;

/// <summary>All public types of an assembly with their public members, a line each, in an order that does not depend on the sources'.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>What a record has because it is one.</summary>
    private static readonly string[] OfRecords = ["Equals", "GetHashCode", "ToString", "op_Equality", "op_Inequality", "<Clone>$", "PrintMembers", "EqualityContract"];

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort",
        [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(char)] = "char", [typeof(string)] = "string", [typeof(object)] = "object", [typeof(nint)] = "nint",
    };

    public static IEnumerable<string> Lines(Assembly assembly) =>
        assembly.GetExportedTypes().OrderBy(type => FullName(type), StringComparer.Ordinal).SelectMany(Lines);

    private static IEnumerable<string> Lines(Type type) => Members(type).Order(StringComparer.Ordinal).Select(member => $"    {member}").Prepend($"{Kind(type)} {FullName(type)}{Bases(type)}");

    private static string Kind(Type type)
    {
        if (type.IsEnum) return "enum";
        if (type.IsInterface) return "interface";
        if (type.IsSubclassOf(typeof(Delegate))) return "delegate";
        if (type.IsValueType) return type.IsByRefLike ? "ref struct" : "struct";
        var record = type.GetMethod("<Clone>$") is null ? "class" : "record";
        return type.IsAbstract && type.IsSealed ? "static class" : type.IsAbstract ? $"abstract {record}" : type.IsSealed ? record : $"open {record}";
    }

    private static string Bases(Type type)
    {
        if (type.IsEnum || type.IsSubclassOf(typeof(Delegate))) return "";
        var inherited = type.BaseType?.GetInterfaces() ?? [];
        var bases = type.GetInterfaces().Except(inherited).Where(item => item.IsPublic && !item.Name.StartsWith("IEquatable", StringComparison.Ordinal)).Select(Name).Order(StringComparer.Ordinal).ToList();
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType)) bases.Insert(0, Name(parent));
        return bases.Count == 0 ? "" : $" : {string.Join(", ", bases)}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum) return Enum.GetNames(type).Zip(Enum.GetValuesAsUnderlyingType(type).Cast<object>(), (name, value) => $"{name} = {value}");
        if (type.IsSubclassOf(typeof(Delegate))) return [Method(type.GetMethod("Invoke")!)];
        var isRecord = type.GetProperty("EqualityContract", Declared) is not null || (type.IsValueType && type.GetMethod("PrintMembers", Declared) is not null);
        return type.GetMembers(Declared).Where(member => !(isRecord && OfRecords.Contains(member.Name))).Select(Member).OfType<string>();
    }

    /// <summary>The member's line; null where nobody outside sees it.</summary>
    private static string? Member(MemberInfo member) => member switch
    {
        FieldInfo field when IsSeen(field) => field.IsLiteral ? $"const {Name(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}" : $"{(field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}",
        PropertyInfo property => Property(property),
        ConstructorInfo constructor when IsSeen(constructor) && !IsCopy(constructor) => $"new({Parameters(constructor)})",
        MethodInfo { IsSpecialName: false } method when IsSeen(method) && method.Name[0] != '<' => Method(method),
        MethodInfo { IsSpecialName: true } method when IsSeen(method) && method.Name.StartsWith("op_", StringComparison.Ordinal) => Method(method),
        EventInfo @event when @event.AddMethod is { } add && IsSeen(add) => $"event {Name(@event.EventHandlerType!)} {@event.Name}",
        _ => null,
    };

    private static string? Property(PropertyInfo property)
    {
        var (get, set) = (property.GetMethod is { } getter && IsSeen(getter), property.SetMethod is { } setter && IsSeen(setter));
        if (!get && !set) return null;
        var isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Any(modifier => modifier.Name == "IsExternalInit") == true;
        var accessors = (get ? " get;" : "") + (set ? isInit ? " init;" : " set;" : "");
        var index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{string.Join(", ", parameters.Select(Parameter))}]" : "";
        return $"{Modifier(property.GetMethod ?? property.SetMethod!)}{Name(property.PropertyType)} {(index.Length == 0 ? property.Name : "this")}{index} {{{accessors} }}";
    }

    private static string Method(MethodInfo method)
    {
        var generic = method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
        return $"{Modifier(method)}{Name(method.ReturnType)} {method.Name}{generic}({Parameters(method)})";
    }

    private static string Modifier(MethodBase method) =>
        method.IsStatic ? "static " : method.DeclaringType!.IsInterface ? "" : method.IsAbstract ? "abstract " : method is { IsVirtual: true, IsFinal: false } && !method.DeclaringType.IsSealed ? "virtual " : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter) =>
        $"{(parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? parameter.IsIn ? "in " : "ref " : "")}{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? " = …" : "")}";

    private static bool IsSeen(MethodBase method) => method.IsPublic || method is { IsFamily: true, DeclaringType.IsSealed: false } or { IsFamilyOrAssembly: true, DeclaringType.IsSealed: false };

    private static bool IsSeen(FieldInfo field) => field.IsPublic && field.Name != "value__";

    private static bool IsCopy(ConstructorInfo constructor) => constructor.IsFamily && constructor.GetParameters() is [{ } only] && only.ParameterType == constructor.DeclaringType;

    private static string FullName(Type type) => $"{type.Namespace}.{Name(type)}";

    private static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsPointer) return Name(type.GetElementType()!) + "*";
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } value) return Name(value) + "?";
        if (Keywords.TryGetValue(type, out var keyword)) return keyword;
        if (type.IsGenericParameter) return type.Name;
        var arguments = type.GetGenericArguments();
        if (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true) return $"({string.Join(", ", arguments.Select(Name))})";
        // A nested type repeats the arguments of the type around it.
        var outer = type.IsNested ? NestedIn(type.DeclaringType!) + "." : "";
        var own = arguments[(type.DeclaringType?.GetGenericArguments().Length ?? 0)..];
        return outer + type.Name.Split('`')[0] + (own.Length == 0 ? "" : $"<{string.Join(", ", own.Select(Name))}>");
    }

    private static string NestedIn(Type type) => (type.IsNested ? NestedIn(type.DeclaringType!) + "." : "") + type.Name.Split('`')[0];
}
