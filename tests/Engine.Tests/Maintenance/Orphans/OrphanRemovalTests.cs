using Matih.Delivery.Ledgers;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Maintenance.Orphans;

namespace Matih.Engine.Tests.Maintenance.Orphans;

/// <summary>Which files go, and which stay whatever is tried. What other engines read afterwards is tested in Interop.Tests.</summary>
public sealed class OrphanRemovalTests
{
    private const string Location = OrphanScene.Location;

    private readonly OrphanScene _scene = new();

    [Fact]
    public async Task Old_files_that_nothing_names_go_and_young_ones_stay()
    {
        await _scene.CreateTableAsync();
        await _scene.CommitAsync(_scene.Data("data/live.parquet"));
        string[] old =
        [
            _scene.Write("data/a.parquet"), _scene.Write("data/b.orc"), _scene.Write("data/c.avro"), _scene.Write("data/d.puffin"),
            _scene.Write("metadata/m0.avro"), _scene.Write("metadata/snap-1-2-x.avro"), _scene.Write("metadata/20-x.stats"), _scene.Write("metadata/partition-stats-1.parquet"),
            _scene.Write("data/.e.parquet.0123.tmp"), _scene.Write("metadata/0123-version-hint.temp"), _scene.Write("metadata/matih-clock-0123"),
        ];
        _scene.Wait(4);
        var young = _scene.Write("data/young.parquet");

        var dry = await _scene.RemoveAsync(isDryRun: true);
        Assert.All(old, location => Assert.True(_scene.Store.Holds(location)));
        var report = await _scene.RemoveAsync();

        Assert.Equal(old.Order(StringComparer.Ordinal), report.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Equal(dry.Files.Select(file => file.Path), report.Files.Select(file => file.Path));
        Assert.All(old, location => Assert.False(_scene.Store.Holds(location)));
        Assert.True(_scene.Store.Holds(young));
        Assert.Equal([("a.parquet", 7L)], report.Files.Where(file => file.Path == old[0]).Select(file => (Path.GetFileName(file.Path), file.LengthBytes)));
        Assert.Equal((1, 1, 4), (report.Files.Count(file => file.Kind == OrphanKind.Manifest), report.Files.Count(file => file.Kind == OrphanKind.ManifestList), report.Files.Count(file => file.Kind == OrphanKind.Data)));
        Assert.Empty((await _scene.RemoveAsync()).Files);
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task What_any_snapshot_leads_to_stays_also_where_the_head_has_lost_it()
    {
        await _scene.CreateTableAsync();
        await _scene.CommitAsync(_scene.Data("data/taken.parquet"), _scene.Data("data/kept.parquet"));
        await _scene.CommitAsync([_scene.Data("data/second.parquet")], OrphanScene.Removing($"{Location}/data/taken.parquet"));
        var back = await _scene.CommitAsync(_scene.Data("data/rolled-back.parquet"));
        await _scene.ChangeAsync(new TableUpdate.SetSnapshotRef("main", new(back.Metadata.Snapshots[1].Id, SnapshotRefKind.Branch)));
        await _scene.CommitAsync(_scene.Data("data/third.parquet"));
        var (before, orphan) = (_scene.Store.Places.ToList(), _scene.Write("data/orphan.parquet"));
        _scene.Wait(30);

        var report = await _scene.RemoveAsync();

        Assert.Equal([orphan], report.Files.Select(file => file.Path));
        Assert.Equal(before, _scene.Store.Places);
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task A_file_that_is_committed_between_the_listing_and_the_look_at_the_table_stays()
    {
        await _scene.CreateTableAsync();
        var late = _scene.Data("data/late.parquet");
        _scene.Wait(4);
        _scene.Store.AfterList($"{Location}/", () => _scene.CommitAsync(late));

        var report = await _scene.RemoveAsync();

        Assert.Empty(report.Files);
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task A_file_that_is_committed_just_before_it_would_be_deleted_stays()
    {
        await _scene.CreateTableAsync();
        var (late, orphan) = (_scene.Data("data/late.parquet"), _scene.Write("data/orphan.parquet"));
        _scene.Wait(4);
        // The second listing looks for the names of what is left.
        _scene.Store.AfterList($"{Location}/", () =>
        {
            _scene.Store.AfterList($"{Location}/", () => _scene.CommitAsync(late));
            return Task.CompletedTask;
        });

        var report = await _scene.RemoveAsync();

        Assert.Equal([orphan], report.Files.Select(file => file.Path));
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task A_file_that_is_written_again_after_it_was_listed_stays()
    {
        await _scene.CreateTableAsync();
        var again = _scene.Write("data/again.parquet");
        _scene.Wait(4);
        _scene.Store.AfterList($"{Location}/", () =>
        {
            _scene.Write("data/again.parquet");
            return Task.CompletedTask;
        });

        Assert.Empty((await _scene.RemoveAsync()).Files);
        Assert.True(_scene.Store.Holds(again));
    }

    [Fact]
    public async Task A_staged_range_keeps_its_files_until_no_pipeline_takes_it_any_more()
    {
        var table = await _scene.CreateTableAsync();
        var staged = $"s3://b/wh/ns/_matih/{table.Metadata.TableUuid}/staged/p/s/g1-0011";
        var (old, file) = (_scene.Write("data/first.parquet"), _scene.Write("data/second.parquet"));
        var record = _scene.Write($"{staged}/p00000-0000000000000000000-0000000000000000010.json", Range("s3a://b/wh/ns/t/data/first.parquet"));
        _scene.Wait(4);
        var young = _scene.Write($"{staged}/p00000-0000000000000000010-0000000000000000020.json", Range("s3a://b/wh/ns/t/data/second.parquet"));

        var report = await _scene.RemoveAsync();

        Assert.Equal(new[] { old, record }.Order(StringComparer.Ordinal), report.Files.Select(item => item.Path).Order(StringComparer.Ordinal));
        Assert.Equal(OrphanKind.StagedRange, report.Files.Single(item => item.Path == record).Kind);
        Assert.True(_scene.Store.Holds(young));
        Assert.True(_scene.Store.Holds(file));
    }

    [Fact]
    public async Task A_staged_range_of_a_version_that_is_not_known_lets_nothing_go()
    {
        var table = await _scene.CreateTableAsync();
        _scene.Write("data/orphan.parquet");
        _scene.Wait(4);
        _scene.Write($"s3://b/wh/ns/_matih/{table.Metadata.TableUuid}/staged/p/s/g1-0011/p00000-0000000000000000000-0000000000000000010.json", """{"v":2}""");

        await AssertRefusedAsync("it has format version 2, this program knows 1");
    }

    [Fact]
    public async Task A_ledger_s_side_file_that_only_an_older_metadata_file_names_stays_and_one_that_none_names_goes()
    {
        var table = await _scene.CreateTableAsync();
        var beside = $"s3://b/wh/ns/_matih/{table.Metadata.TableUuid}";
        var (named, unnamed) = (_scene.Write($"{beside}/ledger-1.json"), _scene.Write($"{beside}/ledger-2.json"));
        var other = _scene.Write("s3://b/wh/ns/_matih/another-table/ledger-3.json");
        await _scene.CommitAsync([], FileRemoval.None, (LedgerKeys.Property("p/s"), $$$"""{"v":1,"body":{"file":"{{{named}}}","length":1,"sha256":"x"}}"""));
        table = await _scene.CommitAsync();
        await _scene.ChangeAsync(new TableUpdate.RemoveSnapshots([table.Metadata.Snapshots[0].Id]));
        _scene.Wait(4);

        var report = await _scene.RemoveAsync();

        Assert.Equal([(OrphanKind.ManifestList, 1), (OrphanKind.Ledger, 1)], report.Files.GroupBy(file => file.Kind).Select(kind => (kind.Key, kind.Count())));
        Assert.False(_scene.Store.Holds(unnamed));
        Assert.True(_scene.Store.Holds(named));
        Assert.True(_scene.Store.Holds(other));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    public async Task Beside_a_table_without_an_id_nothing_is_looked_for_since_it_would_be_other_tables_files(string uuid)
    {
        await _scene.CreateTableAsync();
        var (other, orphan) = (_scene.Write("s3://b/wh/ns/_matih/another-table/ledger-3.json"), _scene.Write("data/orphan.parquet"));
        _scene.Shown = shown => shown with { Metadata = shown.Metadata with { TableUuid = uuid } };
        _scene.Wait(4);

        Assert.Equal([orphan], (await _scene.RemoveAsync()).Files.Select(file => file.Path));
        Assert.True(_scene.Store.Holds(other));
    }

    [Fact]
    public async Task Where_a_ledger_cannot_be_read_all_side_files_stay()
    {
        var table = await _scene.CreateTableAsync();
        var unnamed = _scene.Write($"s3://b/wh/ns/_matih/{table.Metadata.TableUuid}/ledger-2.json");
        await _scene.CommitAsync([], FileRemoval.None, (LedgerKeys.Property("p/s"), """{"v":99}"""));
        _scene.Wait(4);

        Assert.Empty((await _scene.RemoveAsync()).Files);
        Assert.True(_scene.Store.Holds(unnamed));
    }

    [Fact]
    public async Task A_file_that_the_table_names_in_another_spelling_stays()
    {
        await _scene.CreateTableAsync();
        var live = _scene.Write("data/live.parquet");
        await _scene.CommitAsync(OrphanScene.Described(live.Replace("s3://", "s3a://", StringComparison.Ordinal)));
        _scene.Wait(4);

        Assert.Empty((await _scene.RemoveAsync()).Files);
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task A_file_that_the_table_names_by_another_way_to_it_stays_and_is_counted()
    {
        await _scene.CreateTableAsync();
        _scene.Write("data/live.parquet");
        _scene.Store.Link = ("s3://access-point/", "s3://b/wh/ns/");
        await _scene.CommitAsync(OrphanScene.Described("s3://access-point/t/data/live.parquet"));
        _scene.Wait(4);

        var report = await _scene.RemoveAsync();

        Assert.Empty(report.Files);
        Assert.Equal(1, report.NamedElsewhereCount);
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task Partition_folders_with_odd_names_are_compared_as_they_are_written()
    {
        await _scene.CreateTableAsync();
        string[] folders = ["s=a%2Fb+c", "s=100%25", "s=%E2%82%AC", "_hidden=_x", "s=a b", "s=..", "s="];
        foreach (var folder in folders) await _scene.CommitAsync(_scene.Data($"data/{folder}/live-{folder.Length}.parquet"));
        var orphans = folders.Select(folder => _scene.Write($"data/{folder}/orphan-{folder.Length}.parquet")).Order(StringComparer.Ordinal).ToList();
        _scene.Wait(4);

        var report = await _scene.RemoveAsync();

        Assert.Equal(orphans, report.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task A_folder_outside_of_the_location_is_looked_through_only_where_it_is_this_table_s_alone()
    {
        await _scene.CreateTableAsync(("write.data.path", "s3://b/everybody/"), ("write.object-storage.path", $"{Location}/data2"));
        await _scene.CommitAsync(_scene.Data("s3://b/everybody/live.parquet"));
        var (outside, inside) = (_scene.Write("s3://b/everybody/orphan.parquet"), _scene.Write("data2/orphan.parquet"));
        _scene.Wait(4);

        var careful = await _scene.RemoveAsync(isDryRun: true);
        var whole = await _scene.RemoveAsync(looksOutside: true);

        Assert.Equal([inside], careful.Files.Select(file => file.Path));
        Assert.Equal(["s3://b/everybody"], careful.NotLooked);
        Assert.Equal(new[] { outside, inside }.Order(StringComparer.Ordinal), whole.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Empty(whole.NotLooked);
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task Metadata_files_that_the_log_names_and_the_hint_stay_and_other_old_ones_go()
    {
        var table = await _scene.CreateTableAsync(("write.metadata.previous-versions-max", "1"));
        for (var i = 0; i < 4; i++) await _scene.CommitAsync();
        var cut = _scene.Write("metadata/0b3c.metadata.json", $$"""{"table-uuid":"{{table.Metadata.TableUuid}}"}""");
        _scene.Wait(4);

        var report = await _scene.RemoveAsync();

        Assert.Equal([cut, $"{Location}/metadata/v1.metadata.json", $"{Location}/metadata/v2.metadata.json", $"{Location}/metadata/v3.metadata.json"], report.Files.Select(file => file.Path));
        Assert.Equal([OrphanKind.Metadata, OrphanKind.OldVersion, OrphanKind.OldVersion, OrphanKind.OldVersion], report.Files.Select(file => file.Kind));
        Assert.Equal([4, 5], _scene.Store.Places.Select(FileCatalog.VersionOf).OfType<int>().Order());
        Assert.True(_scene.Store.Holds($"{Location}/metadata/version-hint.text"));
        await _scene.CommitAsync(_scene.Data("data/next.parquet"));
        await _scene.RequireWholeAsync();
    }

    [Fact]
    public async Task Old_versions_go_from_the_lowest_on_and_a_failure_ends_that()
    {
        await _scene.CreateTableAsync(("write.metadata.previous-versions-max", "1"));
        for (var i = 0; i < 5; i++) await _scene.CommitAsync();
        _scene.Wait(4);
        _scene.Store.RefusesDeletion = place => place.EndsWith("/v3.metadata.json", StringComparison.Ordinal);

        var report = await _scene.RemoveAsync();

        Assert.Equal([3, 4, 5, 6], _scene.Store.Places.Select(FileCatalog.VersionOf).OfType<int>().Order());
        Assert.EndsWith("/v3.metadata.json", Assert.Single(report.Undeleted).File.Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_catalog_with_a_server_metadata_files_go_that_the_log_no_longer_names()
    {
        await _scene.CreateTableAsync();
        var table = await _scene.CommitAsync();
        string[] files = [.. Enumerable.Range(0, 4).Select(number => _scene.Write($"metadata/0000{number}-x.metadata.json", $$"""{"table-uuid":"{{table.Metadata.TableUuid}}"}"""))];
        _scene.Shown = shown => shown with { MetadataLocation = files[3], Traits = new CatalogTraits(NamesMetadata: true), Metadata = shown.Metadata with { MetadataLog = [new(1, files[1]), new(2, files[2])] } };
        _scene.Wait(4);

        Assert.Equal([files[0]], (await _scene.RemoveAsync()).Files.Select(file => file.Path));
    }

    [Fact]
    public async Task The_folder_that_metadata_lay_in_before_is_the_table_s_own_still()
    {
        await _scene.CreateTableAsync();
        var table = await _scene.CommitAsync();
        var newest = _scene.Write("meta/00001-x.metadata.json", $$"""{"table-uuid":"{{table.Metadata.TableUuid}}"}""");
        string[] orphans = [_scene.Write("metadata/0000-m0.avro"), _scene.Write("metadata/zzzz-m0.avro")];
        _scene.Shown = shown => shown with { MetadataLocation = newest, Traits = new CatalogTraits(NamesMetadata: true), Metadata = shown.Metadata with { MetadataLog = [] } };
        _scene.Wait(4);

        var report = await _scene.RemoveAsync();

        Assert.Equal(orphans, report.Files.Select(file => file.Path));
        Assert.All(report.Files, file => Assert.Equal(OrphanKind.Manifest, file.Kind));
        Assert.Empty(report.OtherTables);
        Assert.True(_scene.Store.Holds($"{Location}/metadata/v1.metadata.json"));
    }

    [Fact]
    public async Task Statistics_that_the_table_names_stay()
    {
        await _scene.CreateTableAsync();
        var table = await _scene.CommitAsync();
        var (statistics, partitions, orphan) = (_scene.Write("metadata/1-a.stats"), _scene.Write("metadata/partition-stats-1-b.parquet"), _scene.Write("metadata/1-c.stats"));
        _scene.Shown = shown => shown with { Metadata = shown.Metadata with { Statistics = [Entry(statistics)], PartitionStatistics = [Entry(partitions)] } };
        _scene.Wait(4);

        Assert.Equal([orphan], (await _scene.RemoveAsync()).Files.Select(file => file.Path));

        StatisticsEntry Entry(string path) => new(table.Metadata.CurrentSnapshotId, System.Text.Encoding.UTF8.GetBytes($$"""{"statistics-path":"{{path}}"}"""));
    }

    [Fact]
    public async Task What_a_Flink_job_has_not_committed_yet_stays_until_it_has_committed_a_later_checkpoint()
    {
        const string Job = "6a5b1c2d3e4f60718293a4b5c6d7e8f9";
        var table = await _scene.CreateTableAsync();
        var paths = Enumerable.Range(3, 3).Select(number => _scene.Write($"data/flink-{number}.parquet")).ToArray();
        for (var i = 0; i < 3; i++)
        {
            var writer = new ManifestWriter(table.Metadata.CurrentSchema, PartitionSpec.Unpartitioned, [], ManifestContent.Data, new SnapshotId(0));
            writer.Add(OrphanScene.Described(paths[i]));
            _scene.Store.Write($"{Location}/metadata/{Job}-cbc357ccb763df2852fee8c4fc7d55f2-00000-0-{i + 3}-00001{(i == 2 ? "-t" : "")}.avro", writer.Complete("x.avro", _scene.Ids.NewUuid()).Bytes);
        }
        await _scene.CommitAsync([], FileRemoval.None, ("flink.job-id", Job), ("flink.operator-id", "cbc357ccb763df2852fee8c4fc7d55f2"), ("flink.max-committed-checkpoint-id", "3"));
        _scene.Wait(40);

        var report = await _scene.RemoveAsync();

        Assert.Equal([paths[0], $"{Location}/metadata/{Job}-cbc357ccb763df2852fee8c4fc7d55f2-00000-0-3-00001.avro"], report.Files.Select(file => file.Path));
        Assert.Equal(2, report.KeptForFlinkCount);
    }

    [Fact]
    public async Task Files_of_kinds_that_no_engine_of_Iceberg_writes_and_hidden_folders_stay()
    {
        var table = await _scene.CreateTableAsync();
        string[] others =
        [
            _scene.Write("README.md"), _scene.Write("data/notes.txt"), _scene.Write("data/part-0.csv"), _scene.Write("data/_SUCCESS"), _scene.Write("data/_temporary/0/a.parquet"),
            _scene.Write("data/.staging/b.parquet"), _scene.Write("data/.hidden.parquet"), _scene.Write($"s3://b/wh/ns/_matih/{table.Metadata.TableUuid}/probe-0123"), _scene.Write("metadata/_matih/another/ledger-1.json"), _scene.Write("metadata/notes.json"),
        ];
        _scene.Wait(400);

        Assert.Empty((await _scene.RemoveAsync()).Files);
        Assert.All(others, location => Assert.True(_scene.Store.Holds(location)));
    }

    [Fact]
    public async Task A_checksum_goes_with_its_file_and_not_before_it()
    {
        await _scene.CreateTableAsync();
        await _scene.CommitAsync(_scene.Data("data/live.parquet"));
        _scene.Write("data/orphan.parquet");
        string[] kept = [_scene.Write("data/.live.parquet.crc"), _scene.Write("data/.young.parquet.crc"), _scene.Write("metadata/.v1.metadata.json.crc"), _scene.Write("metadata/.version-hint.text.crc")];
        string[] gone = [_scene.Write("data/.orphan.parquet.crc"), _scene.Write("data/.gone-before.parquet.crc")];
        _scene.Wait(4);
        _scene.Write("data/young.parquet");

        await _scene.RemoveAsync();

        Assert.All(kept, location => Assert.True(_scene.Store.Holds(location)));
        Assert.All(gone, location => Assert.False(_scene.Store.Holds(location)));
    }

    [Theory]
    [InlineData("metadata/v1.metadata.json")]
    [InlineData("metadata/00001-x.metadata.json.gz")]
    [InlineData("_delta_log/00000000000000000000.json")]
    [InlineData(".hoodie/hoodie.properties")]
    public async Task Another_table_s_folder_within_this_one_s_is_left_out_whole_and_named(string mark)
    {
        await _scene.CreateTableAsync();
        var orphan = _scene.Write("data/orphan.parquet");
        // The mark may be listed before or behind the files of that table.
        string[] others = [_scene.Write("data/.a/x.parquet"), _scene.Write("data/inner/0.parquet"), _scene.Write($"data/inner/{mark}", """{"table-uuid":"another"}"""), _scene.Write("data/inner/z/s=1/9.parquet")];
        _scene.Wait(4);

        var report = await _scene.RemoveAsync();

        Assert.Equal([orphan], report.Files.Select(file => file.Path));
        Assert.Equal([$"{Location}/data/inner"], report.OtherTables);
        Assert.All(others, location => Assert.True(_scene.Store.Holds(location)));
    }

    [Theory]
    [InlineData("metadata/00007-x.metadata.json", """{"table-uuid":"another"}""", "its table-uuid is another")]
    [InlineData("somewhere/v1.metadata.json", """{"table-uuid":"another"}""", "its table-uuid is another")]
    [InlineData("metadata/00007-x.metadata.json", "{\"table-uuid\":", "cannot be read")]
    public async Task A_folder_that_two_tables_share_is_refused_also_where_the_other_s_metadata_is_young(string name, string content, string reason)
    {
        await _scene.CreateTableAsync();
        _scene.Write("data/orphan.parquet");
        _scene.Wait(4);
        _scene.Write(name, content);

        await AssertRefusedAsync(reason);
    }

    [Fact]
    public async Task A_table_that_forbids_it_is_refused()
    {
        await _scene.CreateTableAsync(("gc.enabled", "false"));
        _scene.Write("data/orphan.parquet");
        _scene.Wait(4);

        await AssertRefusedAsync("gc.enabled=false");
    }

    [Fact]
    public async Task A_catalog_that_shows_one_branch_of_many_is_refused()
    {
        await _scene.CreateTableAsync();
        _scene.Write("data/orphan.parquet");
        _scene.Wait(4);
        _scene.Shown = shown => shown with { Traits = new CatalogTraits(NamesMetadata: true, KeepsHistory: false) };

        await AssertRefusedAsync("others may be on its branches");
    }

    [Fact]
    public async Task A_copied_table_is_refused_since_the_files_are_the_original_s()
    {
        await _scene.CreateTableAsync();
        _scene.Write("data/orphan.parquet");
        _scene.Wait(4);
        _scene.Shown = shown => shown with { Metadata = shown.Metadata with { Location = "s3://b/wh/ns/original" } };

        await AssertRefusedAsync("this is a copy");
    }

    [Theory]
    [InlineData("snap-")]
    [InlineData("-m0.avro")]
    public async Task Where_a_list_or_a_manifest_is_missing_nothing_is_deleted(string name)
    {
        await _scene.CreateTableAsync();
        await _scene.CommitAsync(_scene.Data("data/live.parquet"));
        _scene.Write("data/orphan.parquet");
        await _scene.Store.DeleteAsync(_scene.Store.Places.Single(place => place.Contains(name, StringComparison.Ordinal)), default);
        _scene.Wait(4);
        var before = _scene.Store.Places.ToList();

        Assert.Contains("is missing", (await Assert.ThrowsAsync<InvalidTableException>(() => _scene.RemoveAsync())).Message, StringComparison.Ordinal);

        Assert.Equal(before, _scene.Store.Places);
    }

    [Fact]
    public async Task Where_the_store_does_not_say_when_it_wrote_a_file_nothing_is_deleted()
    {
        await _scene.CreateTableAsync();
        _scene.Write("data/orphan.parquet");
        _scene.Wait(4);
        _scene.Store.TellsTimes = false;

        Assert.Contains("does not say when it wrote", (await Assert.ThrowsAsync<UnsupportedTableException>(() => _scene.RemoveAsync(isDryRun: true))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_that_is_dropped_and_created_again_meanwhile_keeps_everything()
    {
        await _scene.CreateTableAsync();
        var orphan = _scene.Write("data/orphan.parquet");
        _scene.Wait(4);
        _scene.Store.AfterList($"{Location}/", () =>
        {
            _scene.Shown = shown => shown with { Metadata = shown.Metadata with { TableUuid = "another" } };
            return Task.CompletedTask;
        });

        Assert.Contains("was dropped or replaced", (await Assert.ThrowsAsync<InvalidTableException>(() => _scene.RemoveAsync())).Message, StringComparison.Ordinal);
        Assert.True(_scene.Store.Holds(orphan));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(200, true)]
    [InlineData(-200, false)]
    public async Task Ages_are_by_the_store_s_clock_and_a_machine_s_that_is_behind_keeps_files(int machineAheadDays, bool isDeleted)
    {
        _scene.StoreAhead = TimeSpan.FromDays(-machineAheadDays);
        await _scene.CreateTableAsync();
        var old = _scene.Write("data/old.parquet");
        _scene.Wait(4);
        var young = _scene.Write("data/young.parquet");

        await _scene.RemoveAsync();

        Assert.True(_scene.Store.Holds(young));
        Assert.Equal(isDeleted, !_scene.Store.Holds(old));
    }

    [Fact]
    public async Task A_dry_run_writes_nothing()
    {
        await _scene.CreateTableAsync();
        _scene.Write("data/orphan.parquet");
        _scene.Wait(4);
        var before = _scene.Store.ChangeCount;

        var report = await _scene.RemoveAsync(isDryRun: true);

        Assert.Single(report.Files);
        Assert.Equal(before, _scene.Store.ChangeCount);
    }

    [Fact]
    public async Task What_the_store_does_not_delete_is_said_and_the_rest_goes()
    {
        await _scene.CreateTableAsync();
        var (first, second) = (_scene.Write("data/first.parquet"), _scene.Write("data/second.parquet"));
        _scene.Wait(4);
        _scene.Store.RefusesDeletion = location => location == first;

        var report = await _scene.RemoveAsync();

        Assert.Equal([(first, "403 Forbidden")], report.Undeleted.Select(left => (left.File.Path, left.Reason)));
        Assert.False(_scene.Store.Holds(second));
    }

    [Fact]
    public async Task An_age_at_which_files_may_still_be_committed_is_refused()
    {
        await _scene.CreateTableAsync();

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => _scene.RemoveAsync(olderThanDays: 0.99));
    }

    [Fact]
    public async Task Of_a_table_that_is_not_there_nothing_is_said() => Assert.Null(await _scene.RemoveAsync());

    private async Task AssertRefusedAsync(string reason)
    {
        var before = _scene.Store.Places.ToList();

        Assert.Contains(reason, (await Assert.ThrowsAsync<UnsupportedTableException>(() => _scene.RemoveAsync())).Message, StringComparison.Ordinal);

        Assert.Equal(before, _scene.Store.Places);
    }

    private static string Range(string path) => $$"""{"v":1,"files":[{"path":"{{path}}","length":7,"rows":1}]}""";
}
