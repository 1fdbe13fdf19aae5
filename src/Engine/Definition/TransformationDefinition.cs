namespace Matih.Definition;

/// <summary>One SQL statement over the rows of its input.</summary>
/// <param name="Name">Unique among sources and transformations.</param>
/// <param name="Input">A source or an earlier transformation, which <c>{{ input }}</c> in the statement stands for.</param>
/// <param name="Sql">The statement, with the places where its text stands.</param>
/// <param name="Position">Where the entry stands.</param>
public sealed record TransformationDefinition(string Name, string Input, SqlText Sql, DefinitionPosition Position);
