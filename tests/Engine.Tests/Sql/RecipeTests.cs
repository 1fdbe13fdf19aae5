using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
using Matih.Fixtures;
using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

/// <summary>docs/recipes.md: every statement gives the rows that stand below it.</summary>
public sealed class RecipeTests
{
    public static TheoryData<string> Recipes => [.. Sections().Select(section => section[..section.IndexOf('\n', StringComparison.Ordinal)])];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void A_recipe_gives_what_it_says(string title)
    {
        var section = Sections().Single(section => section.StartsWith(title + "\n", StringComparison.Ordinal));
        var (schema, sql) = (Blocks(section, "yaml").Single()["schema: ".Length..].Trim(), Blocks(section, "sql").Single());
        var (documents, expected) = (Blocks(section, "json")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries), Blocks(section, "json")[1]);
        var query = QueryRun.Compiled(sql, QueryRun.Schema(schema));
        using var executor = query.CreateExecutor(TimeProvider.System, MemoryAccount.Unlimited());
        using var decoder = new JsonRecordDecoder(query.Inputs, new JsonDecodeSettings { RequiresObject = true }, "src", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        foreach (var document in documents) batch.Add(Encoding.UTF8.GetBytes(document));
        var errors = new RowErrors();
        errors.Clear(batch.Count);

        var rows = executor.Execute(decoder.Decode(batch, errors), errors);

        Assert.Empty(errors.Errors);
        Assert.Equal(JsonSerializer.Serialize(JsonDocument.Parse(expected)), JsonSerializer.Serialize(JsonDocument.Parse(QueryRun.Json(rows))));
    }

    private static string[] Sections() => File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "recipes.md")).Split("\n## ")[1..];

    private static List<string> Blocks(string section, string language) =>
        [.. section.Split("```" + language + "\n")[1..].Select(block => block[..block.IndexOf("\n```", StringComparison.Ordinal)])];
}
