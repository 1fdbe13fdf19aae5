using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Matih.Engine.Tests.Architecture;

/// <summary>A use of one type by another: in a declaration, a signature, a local variable or a method's body.</summary>
internal readonly record struct TypeUse(string User, string Used);

/// <summary>
/// All uses of Matih's types by the types of one assembly, read from its metadata and its method bodies (ECMA-335, partition II
/// 22 and partition III). Nested and compiler-generated types count as the outermost type they belong to. Constants that the
/// compiler has folded leave no trace here.
/// </summary>
internal sealed class AssemblyReferences
{
    private readonly MetadataReader _metadata;
    private readonly HashSet<TypeUse> _uses = [];

    private AssemblyReferences(PEReader image)
    {
        _metadata = image.GetMetadataReader();
        foreach (var handle in _metadata.TypeDefinitions) ReadType(image, handle);
    }

    public static IReadOnlySet<TypeUse> Read(Assembly assembly)
    {
        using var image = new PEReader(File.OpenRead(assembly.Location));
        return new AssemblyReferences(image)._uses;
    }

    private void ReadType(PEReader image, TypeDefinitionHandle handle)
    {
        var user = OutermostName(_metadata, handle);
        if (user is null) return;
        var type = _metadata.GetTypeDefinition(handle);
        Use(user, type.BaseType);
        foreach (var implementation in type.GetInterfaceImplementations()) Use(user, _metadata.GetInterfaceImplementation(implementation).Interface);
        foreach (var parameter in type.GetGenericParameters()) UseConstraints(user, parameter);
        foreach (var attribute in type.GetCustomAttributes()) Use(user, _metadata.GetCustomAttribute(attribute).Constructor);
        foreach (var field in type.GetFields()) UseAll(user, _metadata.GetFieldDefinition(field).DecodeSignature(TypeNames.Provider, this));
        foreach (var method in type.GetMethods()) ReadMethod(image, user, _metadata.GetMethodDefinition(method));
    }

    private void ReadMethod(PEReader image, string user, MethodDefinition method)
    {
        UseSignature(user, method.DecodeSignature(TypeNames.Provider, this));
        foreach (var parameter in method.GetGenericParameters()) UseConstraints(user, parameter);
        if (method.RelativeVirtualAddress == 0) return;
        var body = image.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
            foreach (var local in _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(TypeNames.Provider, this)) UseAll(user, local);
        foreach (var region in body.ExceptionRegions) Use(user, region.CatchType);
        foreach (var token in MethodBodyTokens.Read(body.GetILContent())) Use(user, token);
    }

    private void UseConstraints(string user, GenericParameterHandle parameter)
    {
        foreach (var constraint in _metadata.GetGenericParameter(parameter).GetConstraints())
            Use(user, _metadata.GetGenericParameterConstraint(constraint).Type);
    }

    private void Use(string user, EntityHandle handle)
    {
        if (handle.IsNil) return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                if (OutermostName(_metadata, (TypeDefinitionHandle)handle) is { } used && used != user) _uses.Add(new TypeUse(user, used));
                break;
            case HandleKind.TypeReference:
                if (OutermostName(_metadata, (TypeReferenceHandle)handle) is { } other) _uses.Add(new TypeUse(user, other));
                break;
            case HandleKind.TypeSpecification:
                UseAll(user, _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(TypeNames.Provider, this));
                break;
            case HandleKind.FieldDefinition:
                Use(user, _metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MethodDefinition:
                Use(user, _metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MemberReference:
                UseMember(user, _metadata.GetMemberReference((MemberReferenceHandle)handle));
                break;
            case HandleKind.MethodSpecification:
                var specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                Use(user, specification.Method);
                foreach (var argument in specification.DecodeSignature(TypeNames.Provider, this)) UseAll(user, argument);
                break;
            case HandleKind.StandaloneSignature:
                UseSignature(user, _metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle).DecodeMethodSignature(TypeNames.Provider, this));
                break;
            default:
                // A string.
                break;
        }
    }

    private void UseMember(string user, MemberReference member)
    {
        Use(user, member.Parent);
        if (member.GetKind() == MemberReferenceKind.Field) UseAll(user, member.DecodeFieldSignature(TypeNames.Provider, this));
        else UseSignature(user, member.DecodeMethodSignature(TypeNames.Provider, this));
    }

    private void UseSignature(string user, MethodSignature<ImmutableArray<string>> signature)
    {
        UseAll(user, signature.ReturnType);
        foreach (var parameter in signature.ParameterTypes) UseAll(user, parameter);
    }

    private void UseAll(string user, ImmutableArray<string> used)
    {
        foreach (var name in used)
            if (name != user) _uses.Add(new TypeUse(user, name));
    }

    /// <summary>Namespace and name of the type that this one is nested in, however deep; null for what the compiler adds outside any namespace.</summary>
    private static string? OutermostName(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil) type = metadata.GetTypeDefinition(type.GetDeclaringType());
        var (space, name) = (metadata.GetString(type.Namespace), metadata.GetString(type.Name));
        return space.Length == 0 || name[0] == '<' ? null : $"{space}.{name}";
    }

    /// <summary>The same for a type of another assembly; null unless that is one of Matih's.</summary>
    private static string? OutermostName(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        while (type.ResolutionScope.Kind == HandleKind.TypeReference) type = metadata.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
        var space = metadata.GetString(type.Namespace);
        return space.Split('.')[0] == "Matih" ? $"{space}.{metadata.GetString(type.Name)}" : null;
    }

    /// <summary>Turns a signature into the names of Matih's types in it.</summary>
    private sealed class TypeNames : ISignatureTypeProvider<ImmutableArray<string>, AssemblyReferences>
    {
        public static readonly TypeNames Provider = new();

        public ImmutableArray<string> GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            OutermostName(reader, handle) is { } name ? [name] : [];

        public ImmutableArray<string> GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            OutermostName(reader, handle) is { } name ? [name] : [];

        public ImmutableArray<string> GetPrimitiveType(PrimitiveTypeCode typeCode) => [];
        public ImmutableArray<string> GetGenericMethodParameter(AssemblyReferences genericContext, int index) => [];
        public ImmutableArray<string> GetGenericTypeParameter(AssemblyReferences genericContext, int index) => [];
        public ImmutableArray<string> GetArrayType(ImmutableArray<string> elementType, ArrayShape shape) => elementType;
        public ImmutableArray<string> GetByReferenceType(ImmutableArray<string> elementType) => elementType;
        public ImmutableArray<string> GetPinnedType(ImmutableArray<string> elementType) => elementType;
        public ImmutableArray<string> GetPointerType(ImmutableArray<string> elementType) => elementType;
        public ImmutableArray<string> GetSZArrayType(ImmutableArray<string> elementType) => elementType;
        public ImmutableArray<string> GetModifiedType(ImmutableArray<string> modifier, ImmutableArray<string> unmodifiedType, bool isRequired) => unmodifiedType;

        public ImmutableArray<string> GetGenericInstantiation(ImmutableArray<string> genericType, ImmutableArray<ImmutableArray<string>> typeArguments) =>
            [.. genericType, .. typeArguments.SelectMany(argument => argument)];

        public ImmutableArray<string> GetFunctionPointerType(MethodSignature<ImmutableArray<string>> signature) =>
            [.. signature.ReturnType, .. signature.ParameterTypes.SelectMany(parameter => parameter)];

        public ImmutableArray<string> GetTypeFromSpecification(MetadataReader reader, AssemblyReferences genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
    }
}
