using System.Text.Json;
using Matih.Fixtures;
using Matih.Interop.Tests.Connectors.S3;

namespace Matih.Interop.Tests.Delivery;

/// <summary>A catalog whose tables are in an object store, as a definition names it and as PyIceberg reaches it.</summary>
/// <param name="Entry">The definition's entry, in flow style.</param>
/// <param name="Secrets">The variables that the entry names.</param>
/// <param name="Location">Where the table <c>shop.orders</c> is.</param>
/// <param name="Properties">PyIceberg's, at the store itself.</param>
internal sealed record RemoteCatalog(string Entry, IReadOnlyDictionary<string, string> Secrets, string Location, IReadOnlyDictionary<string, string> Properties)
{
    /// <summary>What each script begins with: the table's files in a file system of pyarrow's. It takes containers without their account.</summary>
    private const string Opening = """
        import json, re, sys, types, pyarrow.fs
        # PyIceberg asks this package for pyarrow's version and does not install it.
        sys.modules["packaging"] = types.SimpleNamespace(version=types.SimpleNamespace(parse=lambda text: [int(part) for part in text.split(".")[:2]]))
        from pyiceberg.io.pyarrow import PyArrowFileIO
        from pyiceberg.table import StaticTable
        location, properties = sys.argv[1], json.loads(sys.argv[2]) | {"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"}
        parse = PyArrowFileIO.parse_location
        PyArrowFileIO.parse_location = staticmethod(lambda location, properties={}: parse(re.sub("@[^/]*", "", location), properties))
        scheme, place, path = PyArrowFileIO.parse_location(location)
        files = PyArrowFileIO(properties).fs_by_scheme(scheme, place)

        """;

    /// <summary>A file catalog on the Ceph gateway, in a folder of its own.</summary>
    /// <param name="endpoint">Where the run reaches it.</param>
    public static async Task<RemoteCatalog> OnCephAsync(SharedCeph ceph, Uri endpoint)
    {
        await S3Server.OfAsync(ceph);
        var warehouse = S3Server.NewFolder().TrimEnd('/');
        return await OnCephAsync(ceph, endpoint, $"type: file, warehouse: {warehouse}", warehouse);
    }

    /// <summary>A REST catalog whose server and tables are on the Ceph gateway.</summary>
    /// <param name="catalog">Where the run reaches the catalog.</param>
    /// <param name="endpoint">Where the run reaches the store.</param>
    public static async Task<RemoteCatalog> OnCephAsync(SharedCeph ceph, Uri endpoint, RestCatalog server, Uri catalog) =>
        await OnCephAsync(ceph, endpoint, $"type: rest, uri: '{catalog}'", server.Warehouse) with { Server = server };

    /// <summary>The REST catalog that knows the table; null is a file catalog.</summary>
    public RestCatalog? Server { get; private init; }

    private static async Task<RemoteCatalog> OnCephAsync(SharedCeph ceph, Uri endpoint, string keys, string warehouse)
    {
        return new(
            $"{{ {keys}, s3: {{ endpoint: '{endpoint}', region: us-east-1, access_key_id: {CephGateway.AccessKeyId}, secret_access_key: '${{S3_SECRET}}' }} }}",
            new Dictionary<string, string> { ["S3_SECRET"] = CephGateway.SecretAccessKey },
            $"{warehouse}/shop/orders",
            new Dictionary<string, string>
            {
                ["s3.endpoint"] = (await ceph.GatewayAsync()).Uri.AbsoluteUri,
                ["s3.region"] = "us-east-1",
                ["s3.access-key-id"] = CephGateway.AccessKeyId,
                ["s3.secret-access-key"] = CephGateway.SecretAccessKey,
            });
    }

    /// <summary>A file catalog on Azurite, in a container of its own.</summary>
    /// <param name="server">Where the run reaches it.</param>
    public static async Task<RemoteCatalog> OnAzuriteAsync(Azurite azurite, Uri server)
    {
        var warehouse = $"abfss://{await azurite.NewContainerAsync()}@{Azurite.Account}.dfs.core.windows.net/warehouse";
        return new(
            $"{{ type: file, warehouse: '{warehouse}', azure: {{ endpoint: '{Azurite.EndpointAt(server)}', account_key: '${{AZURE_KEY}}' }} }}",
            new Dictionary<string, string> { ["AZURE_KEY"] = Azurite.Key },
            $"{warehouse}/shop/orders",
            new Dictionary<string, string>
            {
                ["adls.account-name"] = Azurite.Account,
                ["adls.account-key"] = Azurite.Key,
                ["adls.blob-storage-authority"] = azurite.Server.Authority,
                ["adls.blob-storage-scheme"] = azurite.Server.Scheme,
                ["adls.dfs-storage-authority"] = azurite.Server.Authority,
                ["adls.dfs-storage-scheme"] = azurite.Server.Scheme,
            });
    }

    /// <summary>Rows, distinct positions, distinct ids, by PyIceberg.</summary>
    public async Task<(long Rows, long Positions, long Ids)> CountAsync()
    {
        var row = (await RunAsync("""
            if sys.argv[3]:
                from pyiceberg.catalog import load_catalog
                table = load_catalog("rest", **properties, type="rest", uri=sys.argv[3]).load_table("shop.orders")
            else:
                names = [file.base_name for file in files.get_file_info(pyarrow.fs.FileSelector(path + "/metadata")) if file.base_name.endswith(".metadata.json")]
                newest = max(names, key=lambda name: int(re.search(r"\d+", name)[0]))
                table = StaticTable.from_metadata(f"{location}/metadata/{newest}", properties)
            rows = table.scan(selected_fields=("id", "partition", "offset")).to_arrow()
            print(json.dumps([rows.num_rows, len(set(zip(rows["partition"].to_pylist(), rows["offset"].to_pylist()))), len(set(rows["id"].to_pylist()))]))
            """, Server?.Uri ?? ""))[0];
        return (row[0].GetInt64(), row[1].GetInt64(), row[2].GetInt64());
    }

    /// <summary>
    /// Copies the table into a folder that does not exist, and asserts that the reference implementation has nothing to say against
    /// it and that its metadata holds no secret.
    /// </summary>
    public async Task CheckAsync(string folder)
    {
        await RunAsync("pyarrow.fs.copy_files(path, sys.argv[3], source_filesystem=files)", folder);
        await IcebergReference.CheckAsync(Server is null ? folder : IcebergTarget.Rest(Server.Uri, "shop.orders"), "--map", $"{Location}={folder}");
        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "metadata"), "*.json"))
        {
            var text = await File.ReadAllTextAsync(file);
            foreach (var secret in Secrets.Values) Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        }
    }

    private Task<IReadOnlyList<JsonElement>> RunAsync(string script, params string[] arguments) =>
        PyIceberg.RunAsync(Opening + script, [Location, JsonSerializer.Serialize(Properties), .. arguments]);
}
