using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

public sealed class LocalScratchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_appended_can_be_read_and_nothing_is_left()
    {
        var scratch = new LocalScratch(_folder.Child("deep/scratch"), new SeededIdSource(1));
        using (var first = scratch.Create())
        using (var second = scratch.Create())
        {
            first.Append("abc"u8);
            second.Append("x"u8);
            first.Append("def"u8);
            var read = new byte[4];
            first.Read(1, read);

            Assert.Equal("bcde"u8.ToArray(), read);
            Assert.Equal((6, 1), (first.LengthBytes, second.LengthBytes));
            // A file has no name while it is open, so that a killed process leaves nothing either.
            if (!OperatingSystem.IsWindows()) Assert.Empty(Directory.GetFiles(_folder.Child("deep/scratch")));
            Assert.Contains("It has 6 bytes", Assert.Throws<StoreException>(() => first.Read(4, read)).Message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.GetFiles(_folder.Child("deep/scratch")));
    }

    [Fact]
    public void A_file_never_has_a_name_on_a_local_linux_disk()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has files without names.");

        using var file = LocalDisk.Real.TryCreateUnnamed(_folder.Path);

        // A process that is killed between making a file and removing its name would leave it: there is no such moment.
        Assert.NotNull(file);
        RandomAccess.Write(file, "abc"u8, 0);
        Assert.Equal(3, RandomAccess.GetLength(file));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_named_and_what_chooses_another()
    {
        File.WriteAllText(_folder.Child("file"), "");
        var scratch = new LocalScratch(_folder.Child("file"), new SeededIdSource(1), "SOME_SETTING");

        var failure = Assert.Throws<StoreException>(() => scratch.Create());

        Assert.StartsWith($"Could not write scratch file (SOME_SETTING names its folder) {_folder.Child("file")}", failure.Message, StringComparison.Ordinal);
    }
}
