using Matih.Engine.Simulation.Scheduling;
using Matih.Storage;

namespace Matih.Engine.Simulation.World;

/// <summary>
/// The store's own side: objects by location, each change atomic. What it promises is what <see cref="IStore"/> promises;
/// listings are exact, but those below <c>/_matih/</c>, where a new object may take a while to be listed.
/// </summary>
internal sealed class StoreServer(Simulator simulator, int seed)
{
    private readonly SortedDictionary<string, Item> _items = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedSet<string>> _folders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _lost = new(StringComparer.Ordinal);
    private readonly Random _random = new(seed);

    private sealed record Item(byte[] Content, TimeSpan WrittenAt, TimeSpan ListedFrom);

    /// <summary>Called after every change, with the location.</summary>
    public Action<string>? Changed { get; set; }

    /// <summary>Whether listings of staged ranges lag behind.</summary>
    public bool HasWeakLists { get; set; }

    public byte[]? Read(string location) => _items.TryGetValue(location, out var item) ? item.Content : null;

    public void Put(string location, byte[] content)
    {
        var listedFrom = HasWeakLists && location.Contains("/_matih/", StringComparison.Ordinal) ? simulator.Now + TimeSpan.FromSeconds(20 * _random.NextDouble()) : simulator.Now;
        Keep(location, new Item(content, simulator.Now, listedFrom));
        Changed?.Invoke(location);
    }

    private void Keep(string location, Item item)
    {
        _items[location] = item;
        var folder = FolderOf(location);
        if (!_folders.TryGetValue(folder, out var names)) _folders.Add(folder, names = new SortedSet<string>(StringComparer.Ordinal));
        names.Add(location);
    }

    private bool Remove(string location) => _items.Remove(location) && _folders[FolderOf(location)].Remove(location);

    public bool PutIfAbsent(string location, byte[] content)
    {
        if (_items.ContainsKey(location)) return false;
        Put(location, content);
        return true;
    }

    public void Delete(string location)
    {
        if (!Remove(location)) return;
        Changed?.Invoke(location);
    }

    /// <summary>An accident: the object is gone, or has become another one. What it was is kept for the auditor.</summary>
    public void Lose(string location, byte[]? replacement)
    {
        _lost.TryAdd(location, Read(location)!);
        if (replacement is null) Delete(location);
        else Put(location, replacement);
    }

    /// <summary>Objects that met with an accident.</summary>
    public IReadOnlyDictionary<string, byte[]> Lost => _lost;

    /// <summary>Takes everything below a folder out of sight.</summary>
    public HiddenFolder Hide(string folder)
    {
        var hidden = new HiddenFolder(folder, [.. LocationsBelow(folder).Select(location => (location, (object)_items[location]))]);
        foreach (var (location, _) in hidden.Items) Remove(location);
        return hidden;
    }

    /// <summary>Brings it back, in place of what stands there now.</summary>
    public void Restore(HiddenFolder hidden)
    {
        foreach (var location in LocationsBelow(hidden.Folder)) Remove(location);
        foreach (var (location, item) in hidden.Items) Keep(location, (Item)item);
    }

    public IReadOnlyList<string> LocationsBelow(string folder) => [.. _items.Keys.Where(location => location.StartsWith(folder + "/", StringComparison.Ordinal))];

    /// <summary>What a listing of the folder shows now.</summary>
    public List<StoredObject> List(string prefix)
    {
        var found = new List<StoredObject>();
        foreach (var (name, locations) in _folders)
        {
            if (!prefix.StartsWith($"{name}/", StringComparison.Ordinal) && !$"{name}/".StartsWith(prefix, StringComparison.Ordinal)) continue;
            foreach (var location in locations)
            {
                if (!location.StartsWith(prefix, StringComparison.Ordinal)) continue;
                var item = _items[location];
                if (item.ListedFrom <= simulator.Now) found.Add(new StoredObject(location, item.Content.Length, SimulatedClock.Epoch + item.WrittenAt));
            }
        }
        return found;
    }

    /// <summary>What stands directly in a folder, whose name ends with a slash.</summary>
    public IEnumerable<string> Names(string folder) => _folders.TryGetValue(folder.TrimEnd('/'), out var names) ? names : [];

    private static string FolderOf(string location) => location[..location.LastIndexOf('/')];
}

/// <summary>What stood below a folder when it was hidden.</summary>
internal sealed record HiddenFolder(string Folder, IReadOnlyList<(string Location, object Item)> Items);
