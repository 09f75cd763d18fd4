/** A picture as the models get it: the file itself, as a data: URL. */
export interface Picture {
  url: string;
  name: string;
}

export const readPicture = (file: File) => new Promise<Picture>((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve({url: String(reader.result), name: file.name});
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

export const picturesOf = (list: Iterable<File>) =>
    Promise.all([...list].filter(file => file.type.startsWith('image/')).map(readPicture));
