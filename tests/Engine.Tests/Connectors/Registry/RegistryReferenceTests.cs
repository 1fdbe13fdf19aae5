using Matih.Registry;

namespace Matih.Engine.Tests.Connectors.Registry;

public sealed class RegistryReferenceTests : IDisposable
{
    private readonly ScriptedRegistry _server = new();

    public void Dispose() => _server.Dispose();

    private Task<RegisteredSchema?> FindAsync() => _server.Open().FindAsync(SchemaKey.Of(7), default).AsTask();

    private async Task AssertRefusedAsync(string problem)
    {
        var refusal = await Assert.ThrowsAsync<SchemaRegistryException>(FindAsync);

        Assert.Equal(($"The schema registry http://registry.test: the schema of id 7 {problem}. Correct what is registered there.", false), (refusal.Message, refusal.IsTransient));
    }

    [Fact]
    public async Task What_several_schemas_refer_to_is_fetched_once()
    {
        _server.Add(7, "root", ("n.B", "b", 1), ("n.C", "c", 2));
        _server.AddVersion("b", 1, "left", ("n.D", "d", 3));
        _server.AddVersion("c", 2, "right", ("n.D", "d", 3));
        _server.AddVersion("d", 3, "shared");

        var schema = (await FindAsync())!;

        Assert.Equal([("n.B", "left"), ("n.C", "right")], schema.References.Select(reference => (reference.Name, reference.Schema.Text)));
        var shared = schema.References.Select(reference => Assert.Single(reference.Schema.References)).ToList();
        Assert.Equal(("n.D", "shared", 1003, 3), (shared[0].Name, shared[0].Schema.Text, shared[0].Schema.Id, shared[0].Schema.Version));
        Assert.Same(shared[0].Schema, shared[1].Schema);
        Assert.Equal(["/schemas/ids/7", "/subjects/b/versions/1?deleted=true", "/subjects/d/versions/3?deleted=true", "/subjects/c/versions/2?deleted=true"], _server.Calls);
    }

    [Fact]
    public async Task A_circle_of_references_is_refused()
    {
        _server.Add(7, "root", ("b", "b", 1));
        _server.AddVersion("b", 1, "b", ("c", "c", 1));
        _server.AddVersion("c", 1, "c", ("b", "b", 1));

        await AssertRefusedAsync("refers in a circle to version 1 of subject 'b'");
    }

    [Fact]
    public async Task A_reference_that_leads_nowhere_is_refused()
    {
        _server.Add(7, "root", ("b", "b", 1));

        await AssertRefusedAsync("refers to version 1 of subject 'b', which the registry does not have");
    }

    [Fact]
    public async Task References_over_too_many_others_are_refused()
    {
        _server.Add(7, "root", ("x", "s0", 1));
        for (var i = 0; i < 65; i++) _server.AddVersion($"s{i}", 1, "x", ("x", $"s{i + 1}", 1));
        _server.AddVersion("s65", 1, "x");

        await AssertRefusedAsync("refers to version 1 of subject 's64' over more than 64 others");
    }

    [Fact]
    public async Task References_to_too_many_schemas_are_refused()
    {
        for (var i = 0; i <= 1000; i++) _server.AddVersion($"s{i}", 1, "x");
        _server.Add(7, "root", [.. Enumerable.Range(0, 1001).Select(i => ($"n{i}", $"s{i}", 1))]);

        await AssertRefusedAsync("refers to more than 1,000 others");
    }

    [Fact]
    public async Task A_schema_that_is_too_long_with_what_it_refers_to_is_refused()
    {
        _server.Add(7, "root", ("a", "a", 1), ("b", "b", 1));
        _server.AddVersion("a", 1, new string('x', 6 << 20));
        _server.AddVersion("b", 1, new string('x', 5 << 20));

        await AssertRefusedAsync("is longer than 10 MiB with all that it refers to");
    }

    [Fact]
    public async Task A_registry_that_goes_away_between_references_is_asked_again()
    {
        _server.Add(7, "root", ("b", "b", 1));
        _server.AddVersion("b", 1, "b");
        _server.Next(_ => ScriptedRegistry.Json(200, _server.Answers["/schemas/ids/7"]));
        _server.Next(_ => throw new HttpRequestException("gone"));

        Assert.Equal("b", (await FindAsync())!.References.Single().Schema.Text);
    }
}
